// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.

export type Calls = {
  /** @description Forget what a service said. Doing so twice is no error; a service that starts says it again. */
  "DELETE /catalog/{name}": {
    path: {
      name: string;
    };
  };
  /** @description Take a service out of the gateway, until it declares something again. */
  "DELETE /catalog/{name}/gateway": {
    path: {
      name: string;
    };
  };
  "DELETE /ops/loggers/{name}": {
    answer: {
      [key: string]: unknown;
    };
    path: {
      name: string;
    };
  };
  /** @description Deregister an instance. Doing so twice is no error. */
  "DELETE /services/{name}/instances/{instance_id}": {
    path: {
      instance_id: string;
      name: string;
    };
  };
  /** @description List every service that is in the catalog or was seen calling, with what does not agree. */
  "GET /catalog": {
    answer: CatalogView;
  };
  /** @description Show what a service is, what of it runs, and what it was seen calling. */
  "GET /catalog/{name}": {
    answer: FullEntryView;
    path: {
      name: string;
    };
  };
  /** @description Show the AsyncAPI document of a service. */
  "GET /catalog/{name}/asyncapi": {
    path: {
      name: string;
    };
  };
  /** @description Compare what a service says it calls with what it was seen calling. */
  "GET /catalog/{name}/dependencies": {
    answer: ComparisonView;
    path: {
      name: string;
    };
  };
  /** @description Show what a service has declared, by version. */
  "GET /catalog/{name}/gateway": {
    answer: {
      [key: string]: DeclarationOutput;
    };
    path: {
      name: string;
    };
  };
  /** @description Show what a service said before, the latest first. */
  "GET /catalog/{name}/history": {
    answer: HistoryView;
    path: {
      name: string;
    };
  };
  /** @description Show the calls that a service made and got, day by day. */
  "GET /catalog/{name}/observations": {
    answer: DaysView;
    path: {
      name: string;
    };
    query?: {
      /**
       * @description How far back.
       * @default 30
       */
      days?: number;
    };
  };
  /** @description Show the OpenAPI document of a service. */
  "GET /catalog/{name}/openapi": {
    path: {
      name: string;
    };
  };
  /** @description Show what is wrong, or odd, in the declarations. */
  "GET /gateway/findings": {
    answer: FindingsView;
  };
  /** @description Show which gateways ask here, and which configuration each has accepted. */
  "GET /gateway/nodes": {
    answer: {
      [key: string]: unknown;
    };
  };
  /** @description Show everything that the gateway's routes are made from. */
  "GET /gateway/snapshot": {
    answer: EdgeSnapshot;
  };
  "GET /ops/config": {
    answer: {
      [key: string]: unknown;
    };
  };
  "GET /ops/health": {
    answer: {
      [key: string]: unknown;
    };
  };
  "GET /ops/info": {
    answer: {
      [key: string]: unknown;
    };
  };
  "GET /ops/loggers": {
    answer: {
      [key: string]: unknown;
    };
  };
  "GET /ops/metrics": {
    answer: unknown;
  };
  "GET /ops/routes": {
    answer: {
      [key: string]: unknown;
    };
  };
  "GET /ops/tasks": {
    answer: {
      [key: string]: unknown;
    };
  };
  /** @description List every service that has live instances. */
  "GET /services": {
    answer: ServicesView;
    query?: {
      /**
       * @description `any` shows those too whose probes fail.
       * @default passing
       */
      health?: "passing" | "any";
      /** @description Zone of whoever asks. */
      near?: string | null;
      /** @description Only instances with this tag; several: with all. */
      tag?: string[] | null;
      /** @description Only this version, or what begins with it. */
      version?: string | null;
      /** @description Only instances of this zone. */
      zone?: string | null;
    };
  };
  /** @description Show the live instances of a service, with how much of the traffic each should get; 404 when there is none. */
  "GET /services/{name}": {
    answer: ServiceView;
    path: {
      name: string;
    };
    query?: {
      /**
       * @description `any` shows those too whose probes fail.
       * @default passing
       */
      health?: "passing" | "any";
      /** @description Zone of whoever asks. */
      near?: string | null;
      /** @description Only instances with this tag; several: with all. */
      tag?: string[] | null;
      /** @description Only this version, or what begins with it. */
      version?: string | null;
      /** @description Only instances of this zone. */
      zone?: string | null;
    };
  };
  /** @description Watch changes: first `reset` with all there is, then one event for each change; resumes after `Last-Event-ID`. */
  "GET /services/watch": {
    events: true;
    query?: {
      /** @description Zone of whoever asks. */
      near?: string | null;
      /** @description Only these services. */
      service?: string[] | null;
    };
  };
  /** @description Take what traces showed since the last time; all of it or nothing. */
  "POST /catalog/observations": {
    answer: TakenView;
    body: ObservationsRequest;
  };
  /** @description Renew a lease; 404 when it ran out, and the instance must register again. */
  "POST /services/{name}/instances/{instance_id}/lease": {
    answer: InstanceView;
    path: {
      instance_id: string;
      name: string;
    };
    query?: {
      /** @description Zone of whoever asks. */
      near?: string | null;
    };
  };
  /** @description Say what a service is (201 new, 200 otherwise); `outcome` tells whether it is a new revision. */
  "PUT /catalog/{name}": {
    answer: PutView;
    body: EntryRequest;
    path: {
      name: string;
    };
  };
  /** @description Say what a version of a service wants of the gateway. */
  "PUT /catalog/{name}/gateway/{version}": {
    body: DeclarationInput;
    path: {
      name: string;
      version: string;
    };
  };
  "PUT /ops/loggers/{name}": {
    answer: {
      [key: string]: unknown;
    };
    body: LevelChange;
    path: {
      name: string;
    };
  };
  /** @description Register an instance (201), or change it and renew its lease (200). */
  "PUT /services/{name}/instances/{instance_id}": {
    answer: InstanceView;
    body: RegistrationRequest;
    path: {
      instance_id: string;
      name: string;
    };
    query?: {
      /** @description Zone of whoever asks. */
      near?: string | null;
    };
  };
};
/** @description Every service that is in the catalog or was seen calling, by name. */
export type CatalogView = {
  services: SummaryView[];
};
/** @description What a service says it calls, and what it was seen calling. */
export type ComparisonView = {
  /** @description Whether everything that was seen is declared, and everything declared exists. */
  agrees: boolean;
  declared: DependencyBody[];
  name: string;
  observed: ObservedView[];
  since: string;
  /** @description Whether the service was seen at all; when it was not, nothing is unused. */
  traced: boolean;
  /** @description Services that it was seen calling and does not name. */
  undeclared: string[];
  /** @description Services that it names and that neither run nor are in the catalog. */
  unknown: string[];
  /** @description Services that it names and was not seen calling. */
  unused: string[];
};
/** @description What was seen day by day, the latest first. */
export type DaysView = {
  days: DayView[];
};
/** @description The calls from one service to another on one day. */
export type DayView = {
  callee: string;
  caller: string;
  calls: number;
  day: string;
  errors: number;
};
/** @description What one version of a service wants of the gateway. */
export type DeclarationInput = {
  /** @default true */
  exposed?: boolean;
  /** @default [] */
  hidden?: string[];
  protection?: GatewayProtectionInput;
  /** @default [] */
  routes?: DeclaredRouteInput[];
  weights?: {
    [key: string]: number;
  };
};
/** @description What one version of a service wants of the gateway. */
export type DeclarationOutput = {
  /** @default true */
  exposed?: boolean;
  /** @default [] */
  hidden?: string[];
  protection?: GatewayProtectionOutput;
  /** @default [] */
  routes?: DeclaredRouteOutput[];
  weights?: {
    [key: string]: number;
  };
};
/** @description One public route, as it is meant. Durations are seconds on the wire. */
export type DeclaredRouteInput = {
  /**
   * @default jwt
   */
  authentication?: "jwt" | "jwt-or-api-key" | "public";
  cors?: GatewayCORSInput | null;
  is_prefix: boolean;
  max_body_bytes: number;
  /** @default [] */
  methods?: string[];
  path: string;
  /** @default [] */
  rate_limits?: GatewayRateLimitInput[];
  retries?: GatewayRetriesInput;
  role_rule?: string | null;
  /** @default [] */
  roles?: string[];
  /** @default [] */
  scopes?: string[];
  timeout?: string | null;
};
/** @description One public route, as it is meant. Durations are seconds on the wire. */
export type DeclaredRouteOutput = {
  /**
   * @default jwt
   */
  authentication?: "jwt" | "jwt-or-api-key" | "public";
  cors?: GatewayCORSOutput | null;
  is_prefix: boolean;
  max_body_bytes: number;
  /** @default [] */
  methods?: string[];
  path: string;
  /** @default [] */
  rate_limits?: GatewayRateLimitOutput[];
  retries?: GatewayRetriesOutput;
  role_rule?: string | null;
  /** @default [] */
  roles?: string[];
  /** @default [] */
  scopes?: string[];
  timeout?: number | null;
};
/** @description Another service that a service says it calls. */
export type DependencyBody = {
  /**
   * @description Whether the service does its work without it, too.
   * @default false
   */
  optional?: boolean;
  /**
   * @description What it is called for.
   * @default
   */
  reason?: string;
  /** @description Its name. */
  service: string;
};
/** @description What is known of a document. */
export type DocumentView = {
  sha256: string;
  size_bytes: number;
  title: string;
  version: string;
};
/** @description All services. */
export type EdgeSnapshot = {
  /** @default [] */
  services?: ServiceSnapshot[];
};
/** @description What a service says about itself. */
export type EntryRequest = {
  /** @description Its AsyncAPI document. */
  asyncapi?: {
    [key: string]: JsonValue;
  } | null;
  /** @description Whom it calls. */
  dependencies?: DependencyBody[];
  /**
   * @description What it is for.
   * @default
   */
  description?: string;
  /** @description Pages about it. */
  docs?: LinkBody[];
  /** @description Its OpenAPI document. */
  openapi?: {
    [key: string]: JsonValue;
  } | null;
  /**
   * @description Who answers for it.
   * @default
   */
  owner?: string;
  /** @description Version of the service that says it. */
  version: string;
};
/** @description What a service says about itself. */
export type EntryView = {
  /** @description Where its AsyncAPI document is. */
  asyncapi: string | null;
  dependencies: DependencyBody[];
  description: string;
  docs: LinkBody[];
  /** @description What is known of its documents. */
  documents: {
    [key: string]: DocumentView;
  };
  name: string;
  /** @description Where its OpenAPI document is, as a path of the registry. */
  openapi: string | null;
  owner: string;
  recorded_at: string;
  revision: number;
  version: string;
};
/** @description Everything there is to look at, errors first. */
export type FindingsView = {
  findings: FindingView[];
};
/** @description Something to look at in the declarations. */
export type FindingView = {
  rule: string;
  service: string;
  severity: string;
  text: string;
};
/** @description What a service says about itself, and what was seen of it. */
export type FullEntryView = {
  /** @description Where its AsyncAPI document is. */
  asyncapi: string | null;
  dependencies: DependencyBody[];
  description: string;
  docs: LinkBody[];
  /** @description What is known of its documents. */
  documents: {
    [key: string]: DocumentView;
  };
  name: string;
  /** @description What it was seen calling. */
  observed: ComparisonView;
  /** @description Where its OpenAPI document is, as a path of the registry. */
  openapi: string | null;
  owner: string;
  recorded_at: string;
  revision: number;
  /** @description How many instances of each version are live. */
  running: {
    [key: string]: number;
  };
  version: string;
};
/** @description Which pages of other origins may call (the Fetch standard's CORS protocol). */
export type GatewayCORSInput = {
  /** @default false */
  credentials?: boolean;
  /**
   * @default [
   *       "etag",
   *       "link",
   *       "location",
   *       "ratelimit",
   *       "ratelimit-policy",
   *       "retry-after",
   *       "x-request-id"
   *     ]
   */
  exposed_headers?: string[];
  /**
   * @default [
   *       "authorization",
   *       "content-type",
   *       "idempotency-key",
   *       "if-match",
   *       "if-none-match",
   *       "last-event-id",
   *       "traceparent",
   *       "x-request-id"
   *     ]
   */
  headers?: string[];
  /**
   * @default PT10M
   */
  max_age?: string;
  /**
   * @default [
   *       "GET",
   *       "HEAD",
   *       "POST",
   *       "PUT",
   *       "PATCH",
   *       "DELETE"
   *     ]
   */
  methods?: string[];
  origins: string[];
};
/** @description Which pages of other origins may call (the Fetch standard's CORS protocol). */
export type GatewayCORSOutput = {
  /** @default false */
  credentials?: boolean;
  /**
   * @default [
   *       "etag",
   *       "link",
   *       "location",
   *       "ratelimit",
   *       "ratelimit-policy",
   *       "retry-after",
   *       "x-request-id"
   *     ]
   */
  exposed_headers?: string[];
  /**
   * @default [
   *       "authorization",
   *       "content-type",
   *       "idempotency-key",
   *       "if-match",
   *       "if-none-match",
   *       "last-event-id",
   *       "traceparent",
   *       "x-request-id"
   *     ]
   */
  headers?: string[];
  /** @default 600 */
  max_age?: number;
  /**
   * @default [
   *       "GET",
   *       "HEAD",
   *       "POST",
   *       "PUT",
   *       "PATCH",
   *       "DELETE"
   *     ]
   */
  methods?: string[];
  origins: string[];
};
/** @description What keeps a service from being overrun, and traffic away from sick instances. */
export type GatewayProtectionInput = {
  /**
   * @default PT1S
   */
  connect_timeout?: string;
  /** @default 5 */
  eject_after_failures?: number;
  /**
   * @default PT10S
   */
  ejection?: string;
  /** @default 1024 */
  max_connections?: number;
  /** @default 50 */
  max_ejected_percent?: number;
  /** @default 1024 */
  max_pending_requests?: number;
  /** @default 4096 */
  max_requests?: number;
  /** @default 50 */
  retry_budget_percent?: number;
};
/** @description What keeps a service from being overrun, and traffic away from sick instances. */
export type GatewayProtectionOutput = {
  /** @default 1 */
  connect_timeout?: number;
  /** @default 5 */
  eject_after_failures?: number;
  /** @default 10 */
  ejection?: number;
  /** @default 1024 */
  max_connections?: number;
  /** @default 50 */
  max_ejected_percent?: number;
  /** @default 1024 */
  max_pending_requests?: number;
  /** @default 4096 */
  max_requests?: number;
  /** @default 50 */
  retry_budget_percent?: number;
};
/** @description How many requests the gateway lets through in a time, exactly. */
export type GatewayRateLimitInput = {
  burst?: number | null;
  /**
   * @default [
   *       "subject"
   *     ]
   */
  by?: ("subject" | "address" | "tenant")[];
  limit: number;
  /**
   * @default PT1M
   */
  period?: string;
  rule: string;
};
/** @description How many requests the gateway lets through in a time, exactly. */
export type GatewayRateLimitOutput = {
  burst?: number | null;
  /**
   * @default [
   *       "subject"
   *     ]
   */
  by?: ("subject" | "address" | "tenant")[];
  limit: number;
  /** @default 60 */
  period?: number;
  rule: string;
};
/**
 * @description How often the gateway tries another instance before it gives up.
 *
 *     A request that may have reached an instance is sent again only when its method is idempotent (RFC 9110, 9.2.2); one that
 *     certainly has not, whatever its method.
 */
export type GatewayRetriesInput = {
  /** @default 2 */
  attempts?: number;
  /**
   * @default PT0.025S
   */
  base_interval?: string;
  per_try_timeout?: string | null;
  /**
   * @default [
   *       503
   *     ]
   */
  statuses?: number[];
};
/**
 * @description How often the gateway tries another instance before it gives up.
 *
 *     A request that may have reached an instance is sent again only when its method is idempotent (RFC 9110, 9.2.2); one that
 *     certainly has not, whatever its method.
 */
export type GatewayRetriesOutput = {
  /** @default 2 */
  attempts?: number;
  /** @default 0.025 */
  base_interval?: number;
  per_try_timeout?: number | null;
  /**
   * @default [
   *       503
   *     ]
   */
  statuses?: number[];
};
/** @description The revisions that are kept, the latest first. */
export type HistoryView = {
  revisions: EntryView[];
};
/** @description A live instance. */
export type InstanceSnapshot = {
  instance_id: string;
  url: string;
  version: string;
};
/** @description A live instance. */
export type InstanceView = {
  health: "unchecked" | "healthy" | "unhealthy";
  health_reason: string | null;
  health_since: string;
  instance_id: string;
  lease_expires_at: string;
  metadata: {
    [key: string]: string;
  };
  priority: number;
  registered_at: string;
  tags: string[];
  url: string;
  version: string;
  weight: number;
  zone: string | null;
};
export type JsonValue = unknown;
/** @description A level for a logger. */
export type LevelChange = {
  /** @description How long it holds, a year at most; without it until it is changed again. */
  for_s?: number | null;
  /** @description DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter. */
  level: string;
};
/** @description A page about a service. */
export type LinkBody = {
  title: string;
  url: string;
};
/** @description Calls from one service to another that were seen in traces. */
export type ObservationBody = {
  callee: string;
  caller: string;
  /** @description How many calls. */
  calls: number;
  /**
   * @description How many of them failed.
   * @default 0
   */
  errors?: number;
  /** @description When the first one was seen; as `last_seen` when absent. */
  first_seen?: string | null;
  /** @description When the last one was seen; now when absent. */
  last_seen?: string | null;
};
/** @description What was seen since the last time. */
export type ObservationsRequest = {
  observations: ObservationBody[];
};
/** @description A service that was seen being called. */
export type ObservedView = {
  calls: number;
  errors: number;
  first_seen: string;
  last_seen: string;
  service: string;
};
/** @description The entry as it is now, and what came of putting it. */
export type PutView = {
  /** @description Where its AsyncAPI document is. */
  asyncapi: string | null;
  dependencies: DependencyBody[];
  description: string;
  docs: LinkBody[];
  /** @description What is known of its documents. */
  documents: {
    [key: string]: DocumentView;
  };
  name: string;
  /** @description Where its OpenAPI document is, as a path of the registry. */
  openapi: string | null;
  outcome: "created" | "changed" | "same" | "outdated";
  owner: string;
  recorded_at: string;
  revision: number;
  version: string;
};
/** @description What a service says about one of its instances. */
export type RegistrationRequest = {
  /** @description How often it is probed, in seconds; the registry's default when absent. */
  health_interval_s?: number | null;
  /** @description Path that the registry probes; without it the instance is believed for its lease alone. */
  health_path?: string | null;
  /** @description How long a probe's answer may take, in seconds; the registry's default when absent. */
  health_timeout_s?: number | null;
  /**
   * @description Passed probes in a row that show it again.
   * @default 2
   */
  healthy_after?: number;
  /** @description How long the instance is believed in without being heard of, in seconds; the registry's default when absent. */
  lease_s?: number | null;
  /** @description Whatever else should be known. */
  metadata?: {
    [key: string]: string;
  };
  /** @description What look-up can choose by. */
  tags?: string[];
  /**
   * @description Failed probes in a row that hide it from look-up.
   * @default 3
   */
  unhealthy_after?: number;
  /** @description Where the instance answers, http or https. */
  url: string;
  /** @description Version of the service that runs there. */
  version: string;
  /** @description Where it runs: callers in the same zone prefer it. */
  zone?: string | null;
};
/** @description A service: what its versions declare, and where it runs. */
export type ServiceSnapshot = {
  declarations?: {
    [key: string]: DeclarationOutput;
  };
  /** @default [] */
  instances?: InstanceSnapshot[];
  name: string;
};
/** @description Every service that has live instances, by name. */
export type ServicesView = {
  services: ServiceView[];
};
/** @description A service and its live instances, by identifier. */
export type ServiceView = {
  instances: InstanceView[];
  name: string;
};
/** @description A service in a few words. */
export type SummaryView = {
  agrees: boolean;
  name: string;
  owner: string | null;
  running: {
    [key: string]: number;
  };
  undeclared: string[];
  unknown: string[];
  unused: string[];
  version: string | null;
};
/** @description How many observations were taken. */
export type TakenView = {
  taken: number;
};
