import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}.ts`, import.meta.url))

export default defineConfig({
  cacheDir: 'node_modules/.vite',
  resolve: {
    // Examples and tests import the package by its name, as its users do; package.test.ts tries what is built.
    alias: [
      { find: /^@maestro\/api-client-js$/, replacement: source('index') },
      {
        find: /^@maestro\/api-client-js\/(\w+)$/,
        replacement: fileURLToPath(new URL('./src/services/$1.ts', import.meta.url)),
      },
    ],
  },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/lib/services.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
