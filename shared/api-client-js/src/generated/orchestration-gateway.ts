// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.

/** @description What a webhook's sender is told. */
export type AcceptedView = {
  delivery_id: string;
  duplicate: boolean;
  run_id: string | null;
  status: DeliveryStatus;
};
export type BaseModel = Record<string, unknown>;
export type Calls = {
  "DELETE /ops/loggers/{name}": {
    answer: {
      [key: string]: unknown;
    };
    path: {
      name: string;
    };
  };
  /** @description Forget a trigger. Its deliveries stay, and those that wait are still started. */
  "DELETE /triggers/{name}": {
    path: {
      /** @description The trigger's name, a DNS label. */
      name: string;
    };
  };
  /** @description List deliveries, newest first, without what they hold. */
  "GET /deliveries": {
    answer: DeliveryList;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /** @description Only those that stand here. */
      status?: DeliveryStatus | null;
      /** @description Only those of this trigger. */
      trigger?: string | null;
    };
  };
  /** @description Show a delivery in full. */
  "GET /deliveries/{delivery_id}": {
    answer: DeliveryDetail;
    path: {
      delivery_id: string;
    };
  };
  /** @description Follow the changes of all runs from now on, or behind the last one that was seen: `run_created` and `run_finished`. */
  "GET /live/runs": {
    events: true;
    query?: {
      /** @description The id to resume behind; for clients that cannot send `Last-Event-ID`. */
      after?: string | null;
      /** @description A stream ticket, for clients that send no headers. */
      ticket?: string | null;
    };
  };
  /** @description Follow a run: its history so far, then each event as it happens. With `Last-Event-ID`, only what came after it. */
  "GET /live/runs/{run_id}": {
    events: true;
    path: {
      run_id: string;
    };
    query?: {
      /** @description The id to resume behind; for clients that cannot send `Last-Event-ID`. */
      after?: string | null;
      /** @description A stream ticket, for clients that send no headers. */
      ticket?: string | null;
    };
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
  /** @description Show how everything stands, as far as the services answer. */
  "GET /screens/overview": {
    answer: OverviewView;
    header?: {
      /** @description Go on only when the current ETag is one of these. */
      "If-Match"?: string;
      /** @description Go on only when the current ETag is none of these. */
      "If-None-Match"?: string;
    };
  };
  /** @description Show a run with everything about it. Without the run itself there is no screen: 404, or 503 while nobody knows. */
  "GET /screens/runs/{run_id}": {
    answer: RunScreenView;
    header?: {
      /** @description Go on only when the current ETag is one of these. */
      "If-Match"?: string;
      /** @description Go on only when the current ETag is none of these. */
      "If-None-Match"?: string;
    };
    path: {
      run_id: string;
    };
  };
  /** @description Show the services and workflows, as far as the services answer. */
  "GET /screens/services": {
    answer: ServicesView;
    header?: {
      /** @description Go on only when the current ETag is one of these. */
      "If-Match"?: string;
      /** @description Go on only when the current ETag is none of these. */
      "If-None-Match"?: string;
    };
  };
  /** @description List the triggers, those of the caller's tenant where it has one. */
  "GET /triggers": {
    answer: TriggerList;
  };
  /** @description Show a trigger. Its keys are never shown. */
  "GET /triggers/{name}": {
    answer: TriggerView;
    header?: {
      /** @description Go on only when the current ETag is one of these. */
      "If-Match"?: string;
      /** @description Go on only when the current ETag is none of these. */
      "If-None-Match"?: string;
    };
    path: {
      /** @description The trigger's name, a DNS label. */
      name: string;
    };
  };
  /** @description Replay a delivery: mapped anew with the trigger as it is now, and its run started. */
  "POST /deliveries/{delivery_id}/replay": {
    answer: DeliveryDetail;
    path: {
      delivery_id: string;
    };
    query?: {
      /**
       * @description Start another run, also when one was started already.
       * @default false
       */
      anew?: boolean;
    };
  };
  /** @description Take in CloudEvents for the triggers of the caller's tenant. They are on disk when the answer comes. */
  "POST /events": {
    answer: EventsView;
    body?: unknown | string;
    contentType?: "application/cloudevents+json" | "application/cloudevents-batch+json";
  };
  /** @description Take in a signed delivery. It is on disk when the answer comes; the same delivery again is the same run. */
  "POST /hooks/{name}": {
    answer: AcceptedView;
    body?: string;
    contentType: string;
    header?: {
      /** @description The message's id (Standard Webhooks); the same for each attempt. */
      "webhook-id"?: string;
      /** @description `v1,` and the base64 of an HMAC-SHA256; several with blanks in between. */
      "webhook-signature"?: string;
      /** @description When it was signed, in seconds since 1970. */
      "webhook-timestamp"?: string;
      /** @description `sha256=` and the HMAC-SHA256 of the body in hex (GitHub). */
      "x-hub-signature-256"?: string;
    };
    path: {
      /** @description The trigger's name. */
      name: string;
    };
  };
  /** @description Make a stream ticket, with which a browser's `EventSource` or `WebSocket` opens streams as the caller. */
  "POST /live/tickets": {
    answer: TicketView;
  };
  /** @description Replay the dead deliveries of a trigger, up to 500 at a time. */
  "POST /triggers/{name}/replay": {
    answer: ReplayedView;
    path: {
      /** @description The trigger's name, a DNS label. */
      name: string;
    };
  };
  /** @description Give a webhook a new key, shown in this answer and never again; the old ones are accepted for a while longer. */
  "POST /triggers/{name}/rotate": {
    answer: DeclaredView;
    body?: RotateRequest | null;
    path: {
      /** @description The trigger's name, a DNS label. */
      name: string;
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
  /** @description Declare a trigger, or change one. A webhook without keys gets one, which is shown in this answer and never again. */
  "PUT /triggers/{name}": {
    answer: DeclaredView;
    body: WebhookDeclaration | EventDeclaration | ScheduleDeclaration;
    path: {
      /** @description The trigger's name, a DNS label. */
      name: string;
    };
    query?: {
      /** @description The revision it must have; 0: it must be new. Default: any. */
      revision?: number | null;
    };
  };
};
/** @description A trigger that was declared. */
export type DeclaredView = {
  created_at: string;
  declaration: BaseModel;
  keys: KeyView[];
  keys_problem?: string | null;
  name: string;
  new_secret?: string | null;
  origin: Origin;
  revision: number;
  schedule?: ScheduleView | null;
  tenant: string | null;
  updated_at: string;
  updated_by: string;
};
/** @description A delivery in full. */
export type DeliveryDetail = {
  attempts: number;
  error: string | null;
  error_code: string | null;
  id: string;
  input: unknown;
  key: string;
  message: unknown;
  next_attempt_at: string | null;
  received_at: string;
  run_id: string | null;
  settled_at: string | null;
  status: DeliveryStatus;
  tenant: string | null;
  trigger: string;
  workflow: string | null;
};
/** @description One page of deliveries, newest first. */
export type DeliveryList = {
  deliveries: DeliveryView[];
  next_cursor: string | null;
};
/**
 * @description Where a delivery stands.
 */
export type DeliveryStatus = "waiting" | "started" | "filtered" | "dead";
/** @description A delivery as listings show it. */
export type DeliveryView = {
  attempts: number;
  error: string | null;
  error_code: string | null;
  id: string;
  key: string;
  next_attempt_at: string | null;
  received_at: string;
  run_id: string | null;
  settled_at: string | null;
  status: DeliveryStatus;
  tenant: string | null;
  trigger: string;
  workflow: string | null;
};
/** @description Starts a run for each CloudEvent that fits. jq sees the event in its JSON form. */
export type EventDeclaration = {
  /** @description What `workflow_from` may give: whoever sends chooses among these and nothing else. */
  allowed_workflows?: string[];
  /**
   * @description What it is for.
   * @default
   */
  description?: string;
  /** @description A jq program; what it gives false or null for starts nothing. Default: everything starts a run. */
  filter?: string | null;
  /**
   * @description A jq program that gives the run's input.
   * @default .
   */
  input?: string;
  /** @constant */
  kind: "event";
  /**
   * @description How its runs are started.
   * @default {
   *       "priority": 5
   *     }
   */
  options?: RunOptions;
  /**
   * @description Whether it starts nothing at the moment. Webhooks answer 503 then, so that their senders come again.
   * @default false
   */
  paused?: boolean;
  /** @description A jq program that gives text or a number: deliveries of one key are one run. Default: each delivery is a run. */
  run_key?: string | null;
  /** @description The event's source; a `*` at the end stands for anything. Default: any. */
  source?: string | null;
  /** @description The event's subject; a `*` at the end stands for anything. Default: any, or none. */
  subject?: string | null;
  /** @description The event's type; a `*` at the end stands for anything. */
  type: string;
  /** @description What it starts; exactly one of this and `workflow_from`. */
  workflow?: string | null;
  /** @description A jq program that gives what to start, out of `allowed_workflows`. */
  workflow_from?: string | null;
};
/** @description What came of an event with one trigger. */
export type EventDeliveryView = {
  accepted: AcceptedView | null;
  event_id: string;
  trigger: string;
};
/** @description What came of events: nothing where no trigger waits for them. */
export type EventsView = {
  deliveries: EventDeliveryView[];
};
export type JsonValue = unknown;
/** @description A key of a webhook, without the key. */
export type KeyView = {
  expires_at: string | null;
  hint: string;
};
/** @description A level for a logger. */
export type LevelChange = {
  /** @description How long it holds, a year at most; without it until it is changed again. */
  for_s?: number | null;
  /** @description DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter. */
  level: string;
};
/** @description A part that is missing, and why. */
export type MissingView = {
  detail: string;
  error_code: string;
  part: string;
  service: string;
};
/**
 * @description Where a trigger was declared.
 */
export type Origin = "api" | "file";
/** @description How everything stands. */
export type OverviewView = {
  approvals: unknown[] | null;
  failed_runs: unknown[] | null;
  latest_runs: unknown[] | null;
  missing: MissingView[];
  queues: unknown[] | null;
  run_counts: {
    [key: string]: number;
  } | null;
  services: unknown[] | null;
};
/** @description What came of replaying the dead deliveries of a trigger. */
export type ReplayedView = {
  failed: number;
  replayed: number;
};
/** @description How keys are rotated. */
export type RotateRequest = {
  /** @default 86400 */
  overlap_s?: number;
};
/** @description How the runs of a trigger are started. */
export type RunOptions = {
  /** @description How long they wait before they begin. Default: not at all. */
  delay_s?: number | null;
  /**
   * @description Their place in the queue, 0 (most urgent) to 9.
   * @default 5
   */
  priority?: number;
  /** @description The queue they wait in. Default: none. */
  queue?: string | null;
};
/** @description A run with everything about it. */
export type RunScreenView = {
  approvals: unknown[] | null;
  children: unknown[] | null;
  history: unknown[] | null;
  missing: MissingView[];
  run: {
    [key: string]: unknown;
  };
};
/** @description Starts a run again and again; the orchestrator keeps the time. */
export type ScheduleDeclaration = {
  /** @description How late a missed time is still made up for. */
  catch_up_s?: number | null;
  /**
   * @description What it is for.
   * @default
   */
  description?: string;
  /** @description The input of each run. */
  input?: JsonValue;
  /** @description How much later a run may begin, at random. */
  jitter_s?: number | null;
  /** @constant */
  kind: "schedule";
  /**
   * @description How its runs are started.
   * @default {
   *       "priority": 5
   *     }
   */
  options?: RunOptions;
  /** @description What happens when the run before has not ended; as the orchestrator says. */
  overlap?: string | null;
  /**
   * @description Whether it starts nothing at the moment. Webhooks answer 503 then, so that their senders come again.
   * @default false
   */
  paused?: boolean;
  /** @description When. */
  spec: ScheduleSpec;
  /** @description What it starts. */
  workflow: string;
};
/** @description When a schedule starts a run: one of `cron` and `every_s`. */
export type ScheduleSpec = {
  /** @description A cron expression. */
  cron?: string | null;
  /** @description A distance, in seconds. */
  every_s?: number | null;
  /** @description How much later than at multiples of the distance. */
  offset_s?: number | null;
  /** @description Its time zone. Default: UTC. */
  zone?: string | null;
};
/** @description How the orchestrator's schedule stands. */
export type ScheduleView = {
  applied: boolean;
  problem: string | null;
  schedule_id: string;
};
/** @description The services and workflows there are. */
export type ServicesView = {
  missing: MissingView[];
  scorecards: unknown[] | null;
  services: unknown[] | null;
  workflows: unknown[] | null;
};
/** @description A stream ticket. */
export type TicketView = {
  expires_in_s: number;
  ticket: string;
};
/** @description The triggers there are, by name. */
export type TriggerList = {
  triggers: TriggerView[];
};
/** @description A trigger. */
export type TriggerView = {
  created_at: string;
  declaration: BaseModel;
  keys: KeyView[];
  keys_problem?: string | null;
  name: string;
  origin: Origin;
  revision: number;
  schedule?: ScheduleView | null;
  tenant: string | null;
  updated_at: string;
  updated_by: string;
};
/** @description Starts a run for each signed request. jq sees `{id, received_at, headers, body}`. */
export type WebhookDeclaration = {
  /** @description What `workflow_from` may give: whoever sends chooses among these and nothing else. */
  allowed_workflows?: string[];
  /**
   * @description What it is for.
   * @default
   */
  description?: string;
  /** @description A jq program; what it gives false or null for starts nothing. Default: everything starts a run. */
  filter?: string | null;
  /**
   * @description A jq program that gives the run's input.
   * @default .
   */
  input?: string;
  /** @constant */
  kind: "webhook";
  /**
   * @description The largest body that is taken. Default 1 MiB.
   * @default 1048576
   */
  max_body_bytes?: number;
  /**
   * @description How its runs are started.
   * @default {
   *       "priority": 5
   *     }
   */
  options?: RunOptions;
  /**
   * @description Whether it starts nothing at the moment. Webhooks answer 503 then, so that their senders come again.
   * @default false
   */
  paused?: boolean;
  /** @description A jq program that gives text or a number: deliveries of one key are one run. Default: each delivery is a run. */
  run_key?: string | null;
  /** @description In files only: names of secrets (`MAESTRO_SECRET_<NAME>` and its files) instead of the keys themselves. */
  secret_names?: string[];
  /**
   * @description Keys of the signature, any of which will do: `whsec_` and base64 of 24 to 64 bytes, for `github` any text of 16 characters or
   *     more. Never shown again. Left out, those it has are kept while `signature` stays the same; else it gets a new one.
   */
  secrets?: string[] | null;
  /**
   * @description How its sender signs: Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`), or as GitHub does
   *     (`X-Hub-Signature-256`).
   * @default standard
   */
  signature?: "standard" | "github";
  /**
   * @description How far a signed timestamp may be from the present, in seconds; `standard` only.
   * @default 300
   */
  tolerance_s?: number;
  /** @description What it starts; exactly one of this and `workflow_from`. */
  workflow?: string | null;
  /** @description A jq program that gives what to start, out of `allowed_workflows`. */
  workflow_from?: string | null;
};
