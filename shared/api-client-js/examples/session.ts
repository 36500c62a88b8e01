import { APIClient, isProblem, type TokenStorage } from '@maestro/api-client-js'

// React Native: any storage with these three methods, such as AsyncStorage or one of a keychain.
export function clientOf(baseURL: string, tokenStorage: TokenStorage, showSignIn: (why: string) => void): APIClient {
  return new APIClient({
    baseURL,
    authentication: { type: 'jwt', tokenStorage, onSessionEnd: ({ reason }) => showSignIn(reason) },
  })
}

export async function signIn(client: APIClient, username: string, password: string): Promise<string | undefined> {
  try {
    await client.session.signIn({ username, password })
    return undefined
  } catch (error) {
    if (isProblem(error, 'INVALID_CREDENTIALS')) return 'The name or the password is wrong.'
    if (isProblem(error, 'TOO_MANY_ATTEMPTS')) return `Try again in ${error.retryAfter} seconds.`
    throw error
  }
}
