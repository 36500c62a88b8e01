// maestro-frontend/src/api/client.ts
import { APIClient } from '@maestro/api-client-js'

const client = new APIClient({
  baseURL: process.env.REACT_APP_API_URL,
  timeout: 30000,
  enableRetry: true,
  authentication: {
    type: 'jwt',
    tokenStorage: 'localStorage'
  }
})

// Auto-configure based on environment
if (process.env.NODE_ENV === 'development') {
  client.enableDebugLogging()
}

export { client }
