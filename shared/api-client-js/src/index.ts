/** The TypeScript client of MAESTRO. */

export type { QueryValue } from './address.js'
export type { APIResponse, BodyOptions, CallOptions } from './call.js'
export { APIClient } from './client.js'
export type { DebugLog } from './debug-log.js'
export {
  AnswerError,
  ConfigurationError,
  isProblem,
  MaestroError,
  NetworkError,
  ProblemError,
  type ProblemItem,
  SessionEndedError,
  TimeoutError,
} from './errors.js'
export { StreamEvent } from './event-parser.js'
export type { EventOptions } from './events.js'
export type {
  APIClientOptions,
  ApiKeyAuthentication,
  Authentication,
  BearerAuthentication,
  JwtAuthentication,
} from './options.js'
export type { RetryOptions } from './retrying.js'
export { ServiceClient } from './service.js'
export type { Session, SessionEnd } from './session/session.js'
export type { TokenStorage, Tokens } from './session/storage.js'
