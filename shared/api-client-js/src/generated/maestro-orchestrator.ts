// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.

/** @description A range of past times. */
export type BackfillRequest = {
  end: string;
  start: string;
};
/** @description The runs of a range of past times. */
export type BackfillView = {
  runs: string[];
};
/**
 * @description What can be done to many runs.
 */
export type BulkAction = "cancel" | "terminate" | "pause" | "resume" | "retry";
export type Calls = {
  "DELETE /ops/loggers/{name}": {
    answer: {
      [key: string]: unknown;
    };
    path: {
      name: string;
    };
  };
  /** @description Delete a run that has ended, and its children with it. Its id is free then. */
  "DELETE /runs/{run_id}": {
    answer: PurgeView;
    path: {
      run_id: string;
    };
  };
  /** @description Forget a schedule. Runs that it started go on. */
  "DELETE /schedules/{schedule_id}": {
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
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
  /** @description List the personas. */
  "GET /personas": {
    answer: PersonaList;
  };
  /** @description Show a persona. */
  "GET /personas/{name}": {
    answer: Persona;
    path: {
      name: string;
    };
  };
  /** @description List the queues as they stand. */
  "GET /queues": {
    answer: QueueList;
  };
  /** @description Show a queue as it stands: who runs, who waits, and how long. */
  "GET /queues/{name}": {
    answer: QueueView;
    path: {
      name: string;
    };
  };
  /** @description List the runs that meet every criterion. Page after page shows each run once that was there at the first. */
  "GET /runs": {
    answer: RunList;
    query?: {
      /** @description A search attribute: `name:value`, `name:from..to` (numbers or times, one side may be left out) or `name:beginning*`. Several must all hold; several values of one name are alternatives. `7` is found as a number and as text, `"7"` as text only. */
      attribute?: string[] | null;
      /** @description Started at this time or later. */
      created_after?: string | null;
      /** @description Started before this time. */
      created_before?: string | null;
      /** @description `next_cursor` of the answer before; it goes with the same filter only. */
      cursor?: string | null;
      /** @description Ended at this time or later. */
      finished_after?: string | null;
      /** @description Ended before this time. */
      finished_before?: string | null;
      /** @description What their ids begin with. */
      id_prefix?: string | null;
      /** @default 100 */
      limit?: number;
      /** @default newest */
      order?: RunOrder;
      /** @description The run that they are children of. */
      parent?: string | null;
      /** @description Where they stand; several are alternatives. */
      status?: RunStatus[] | null;
      /** @description namespace/name, or namespace/name:version. */
      workflow?: string | null;
    };
  };
  /** @description Show a run in full: input, output, error, and what it waits for. */
  "GET /runs/{run_id}": {
    answer: RunDetailView;
    path: {
      run_id: string;
    };
  };
  /**
   * @description Follow a run: its history so far, then each event as it happens. The stream ends with the run's last event.
   *
   *     With `Last-Event-ID`, only what came after it. When nothing can come after it any more the answer is 204, which
   *     stops browsers from connecting again.
   */
  "GET /runs/{run_id}/events": {
    events: true;
    path: {
      run_id: string;
    };
  };
  /** @description Return a run as a document: its events as the journal has them, for replay and for import elsewhere. */
  "GET /runs/{run_id}/export": {
    answer: {
      [key: string]: unknown;
    };
    path: {
      run_id: string;
    };
  };
  /** @description Show everything that happened to a run, in order. */
  "GET /runs/{run_id}/history": {
    answer: HistoryView;
    path: {
      run_id: string;
    };
  };
  /** @description Return what the run has published under a key: its progress, for instance. */
  "GET /runs/{run_id}/queries/{key}": {
    answer: unknown;
    path: {
      key: string;
      run_id: string;
    };
  };
  /** @description Show the answer to an update, by the update's id; 202 while there is none. */
  "GET /runs/{run_id}/updates/{name}": {
    answer: UpdateView;
    path: {
      name: string;
      run_id: string;
    };
    query: {
      id: string;
    };
  };
  /** @description Count the runs that meet every criterion. */
  "GET /runs/count": {
    answer: CountView;
    query?: {
      /** @description Only those to which this can be done. */
      action?: BulkAction | null;
      /** @description A search attribute: `name:value`, `name:from..to` (numbers or times, one side may be left out) or `name:beginning*`. Several must all hold; several values of one name are alternatives. `7` is found as a number and as text, `"7"` as text only. */
      attribute?: string[] | null;
      /** @description Started at this time or later. */
      created_after?: string | null;
      /** @description Started before this time. */
      created_before?: string | null;
      /** @description Ended at this time or later. */
      finished_after?: string | null;
      /** @description Ended before this time. */
      finished_before?: string | null;
      /** @description What their ids begin with. */
      id_prefix?: string | null;
      /** @description The run that they are children of. */
      parent?: string | null;
      /** @description Where they stand; several are alternatives. */
      status?: RunStatus[] | null;
      /** @description namespace/name, or namespace/name:version. */
      workflow?: string | null;
    };
  };
  /** @description List schedules, by id. */
  "GET /schedules": {
    answer: ScheduleList;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /** @default 100 */
      limit?: number;
    };
  };
  /** @description Show a schedule in full: its settings, its next times, its latest runs, what it missed. */
  "GET /schedules/{schedule_id}": {
    answer: ScheduleView;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /** @description List every version of every workflow. */
  "GET /workflows": {
    answer: WorkflowList;
  };
  /** @description List the versions of a workflow, the latest first. */
  "GET /workflows/{namespace}/{name}": {
    answer: WorkflowList;
    path: {
      name: string;
      namespace: string;
    };
  };
  /** @description Show one version of a workflow. */
  "GET /workflows/{namespace}/{name}/{version}": {
    answer: WorkflowDetail;
    path: {
      name: string;
      namespace: string;
      version: string;
    };
  };
  /** @description Change some settings of a schedule; what is left out stays. */
  "PATCH /schedules/{schedule_id}": {
    answer: ScheduleView;
    body: ChangeScheduleRequest;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /** @description Take in CloudEvents. They are on disk, and with every run that listens for them, when the answer comes. */
  "POST /events": {
    answer: EventsView;
    body?: unknown | string;
    contentType?: "application/cloudevents+json" | "application/cloudevents-batch+json";
  };
  /** @description Let nothing begin until the queue is resumed, over restarts too; runs that have begun go on. */
  "POST /queues/{name}/pause": {
    answer: QueueView;
    body?: InterventionRequest | null;
    path: {
      name: string;
    };
  };
  /** @description Let runs begin again; a queue that is not paused stays as it is. */
  "POST /queues/{name}/resume": {
    answer: QueueView;
    path: {
      name: string;
    };
  };
  /** @description Start a run. It is on disk when the answer comes. */
  "POST /runs": {
    answer: RunDetailView;
    body: StartRequest;
  };
  /**
   * @description Do something to the runs that meet every criterion, at least one of which must be given: a portion at a time.
   *
   *     Go on with `next_cursor` until it is null. What was done is on disk when the answer comes; doing it again is fine.
   */
  "POST /runs/{action}": {
    answer: PortionView;
    body?: InterventionRequest | null;
    path: {
      action: BulkAction;
    };
    query?: {
      /** @description A search attribute: `name:value`, `name:from..to` (numbers or times, one side may be left out) or `name:beginning*`. Several must all hold; several values of one name are alternatives. `7` is found as a number and as text, `"7"` as text only. */
      attribute?: string[] | null;
      /** @description Started at this time or later. */
      created_after?: string | null;
      /** @description Started before this time. */
      created_before?: string | null;
      /** @description `next_cursor` of the answer before; it goes with the same filter only. */
      cursor?: string | null;
      /** @description Ended at this time or later. */
      finished_after?: string | null;
      /** @description Ended before this time. */
      finished_before?: string | null;
      /** @description What their ids begin with. */
      id_prefix?: string | null;
      /** @default 100 */
      limit?: number;
      /** @description The run that they are children of. */
      parent?: string | null;
      /** @description Where they stand; several are alternatives. */
      status?: RunStatus[] | null;
      /** @description namespace/name, or namespace/name:version. */
      workflow?: string | null;
    };
  };
  /** @description Ask a run to stop; it may still clean up. Asking again is fine. */
  "POST /runs/{run_id}/cancel": {
    answer: {
      [key: string]: string;
    };
    body?: InterventionRequest | null;
    path: {
      run_id: string;
    };
  };
  /** @description Start a new run that takes over what completed before a step. */
  "POST /runs/{run_id}/fork": {
    answer: RunDetailView;
    body: ForkRequest;
    path: {
      run_id: string;
    };
  };
  /** @description Start nothing more of a run until it is resumed. Attempts that are under way go on; signals are kept. */
  "POST /runs/{run_id}/pause": {
    answer: {
      [key: string]: string;
    };
    body?: InterventionRequest | null;
    path: {
      run_id: string;
    };
  };
  /** @description Let a paused run go on; one that is not paused stays as it is. */
  "POST /runs/{run_id}/resume": {
    answer: {
      [key: string]: string;
    };
    path: {
      run_id: string;
    };
  };
  /** @description Let a failed run go on from its last failed step; steps that completed before it do not run again. */
  "POST /runs/{run_id}/retry": {
    answer: {
      [key: string]: string;
    };
    path: {
      run_id: string;
    };
  };
  /**
   * @description Send a signal: any JSON value, or nothing. It is on disk when the answer comes.
   *
   *     With an `Idempotency-Key` it is sent once, however often the request comes.
   */
  "POST /runs/{run_id}/signals/{name}": {
    answer: {
      [key: string]: string;
    };
    body?: unknown;
    path: {
      name: string;
      run_id: string;
    };
  };
  /** @description End a run at once, without letting it clean up. One that has ended stays as it is. */
  "POST /runs/{run_id}/terminate": {
    answer: {
      [key: string]: string;
    };
    body?: InterventionRequest | null;
    path: {
      run_id: string;
    };
  };
  /**
   * @description Ask a run for something (the body: any JSON value, or nothing) and wait for its answer.
   *
   *     200 is the answer. 202 says that none has come in time: the request is on disk and goes on; `Location` is where to look
   *     for the answer. 409 `UPDATE_REJECTED` when the run takes no such update, 422 `UPDATE_FAILED` when its validator or handler
   *     raised.
   */
  "POST /runs/{run_id}/updates/{name}": {
    answer: UpdateView;
    body?: unknown;
    path: {
      name: string;
      run_id: string;
    };
    query?: {
      /** @description The update's id. Asking again with the same one is the same request, so that a caller that lost the connection asks again. Default: a new one. */
      id?: string | null;
      /**
       * @description How long to wait for the answer.
       * @default 30
       */
      timeout_s?: number;
    };
  };
  /**
   * @description Delete the runs that ended long enough ago, whatever the retention says. The answer comes once they are gone.
   *
   *     Others are not held up meanwhile. When it breaks off, what is gone stays gone, and the same request goes on.
   */
  "POST /runs/purge": {
    answer: PurgeView;
    body: PurgeRequest;
  };
  /** @description Say what a purge would delete, and delete nothing. */
  "POST /runs/purge/preview": {
    answer: PurgeView;
    body: PurgeRequest;
  };
  /** @description Make a schedule. It is on disk when the answer comes; an id that is taken is a conflict. */
  "POST /schedules": {
    answer: ScheduleView;
    body: CreateScheduleRequest;
  };
  /** @description Start a run for each past time of a range that has none, all at once: at most 10,000. It can be repeated. */
  "POST /schedules/{schedule_id}/backfill": {
    answer: BackfillView;
    body: BackfillRequest;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /** @description Start nothing from now on. Runs that are under way go on; times that pass meanwhile are left out. */
  "POST /schedules/{schedule_id}/pause": {
    answer: ScheduleView;
    body?: InterventionRequest | null;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /** @description Go on with the next time; one that is not paused stays as it is. */
  "POST /schedules/{schedule_id}/resume": {
    answer: ScheduleView;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /** @description Start a run now, paused or not and whatever the overlap policy says. */
  "POST /schedules/{schedule_id}/trigger": {
    answer: RunDetailView;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /**
   * @description Start nothing more of a workflow's runs, those to come included, until it is resumed.
   *
   *     Attempts that are under way go on; new runs are accepted and wait. One that is paused already stays as it is.
   */
  "POST /workflows/{namespace}/{name}/pause": {
    answer: {
      [key: string]: string | null;
    };
    body?: InterventionRequest | null;
    path: {
      name: string;
      namespace: string;
    };
    query?: {
      /** @description Only this version. Default: every version. */
      version?: string | null;
    };
  };
  /** @description Take back the pause that was set with the same name and version. A run that is paused by itself stays so. */
  "POST /workflows/{namespace}/{name}/resume": {
    answer: {
      [key: string]: string | null;
    };
    path: {
      name: string;
      namespace: string;
    };
    query?: {
      /** @description Only this version. Default: every version. */
      version?: string | null;
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
  /** @description Move a run within the queue it waits in. */
  "PUT /runs/{run_id}/priority": {
    answer: {
      [key: string]: string | number;
    };
    body: PriorityRequest;
    path: {
      run_id: string;
    };
  };
  /** @description Make a schedule, or give the one of this id a new definition. The same definition again changes nothing. */
  "PUT /schedules/{schedule_id}": {
    answer: ScheduleView;
    body: DefineScheduleRequest;
    path: {
      /** @description The schedule's id. */
      schedule_id: string;
    };
  };
  /** @description Register a workflow document. The same content again is fine; other content under the same version is not. */
  "PUT /workflows/{namespace}/{name}/{version}": {
    answer: WorkflowDetail;
    body: Record<string, unknown> | string;
    contentType?: "application/yaml";
    path: {
      name: string;
      namespace: string;
      version: string;
    };
  };
};
/** @description Changes of a schedule; what is left out stays. */
export type ChangeScheduleRequest = {
  /** @default 0 */
  catch_up_s?: number;
  input?: JsonValue;
  /** @default 0 */
  jitter_s?: number;
  /** @default skip */
  overlap?: Overlap;
  /** @default 5 */
  priority?: number;
  queue?: string | null;
  /** @default {} */
  spec?: SpecView;
  /** @default  */
  workflow?: string;
};
/**
 * @description What a start does when a run of its id has not ended.
 */
export type Conflict = "use_existing" | "fail" | "cancel_existing" | "terminate_existing";
/** @description How many runs there are. */
export type CountView = {
  count: number;
};
/** @description A new schedule. */
export type CreateScheduleRequest = {
  /** @default 3600 */
  catch_up_s?: number;
  id: string;
  input?: JsonValue;
  /** @default 0 */
  jitter_s?: number;
  /** @default skip */
  overlap?: Overlap;
  /** @default false */
  paused?: boolean;
  /** @default 5 */
  priority?: number;
  queue?: string | null;
  spec: SpecView;
  workflow: string;
};
/** @description Starts that follow one another become one run, with the last input. */
export type DebounceRequest = {
  key: string;
  max_wait_s?: number | null;
  wait_s: number;
};
/** @description What a schedule starts, and when. */
export type DefineScheduleRequest = {
  /** @default 3600 */
  catch_up_s?: number;
  input?: JsonValue;
  /** @default 0 */
  jitter_s?: number;
  /** @default skip */
  overlap?: Overlap;
  /** @default false */
  paused?: boolean;
  /** @default 5 */
  priority?: number;
  queue?: string | null;
  spec: SpecView;
  workflow: string;
};
/** @description What a run failed with. */
export type ErrorView = {
  details: unknown;
  message: string;
  traceback: string;
  type: string;
};
/** @description The events of a request. */
export type EventsView = {
  events: EventView[];
};
/** @description An event that was taken in. */
export type EventView = {
  id: string;
  new: boolean;
  source: string;
};
/** @description Where to fork. */
export type ForkRequest = {
  id?: string | null;
  step: number;
};
/** @description Everything that happened to a run, in order. */
export type HistoryView = {
  events: {
    [key: string]: unknown;
  }[];
};
/** @description The pause of a workflow. */
export type HoldView = {
  reason: string | null;
  since: string;
  version: string | null;
};
/** @description Why somebody steps in. */
export type InterventionRequest = {
  /** @default  */
  reason?: string;
};
export type JsonValue = unknown;
/**
 * @description What a workflow is written in.
 */
export type Kind = "document" | "python";
/** @description A level for a logger. */
export type LevelChange = {
  /** @description How long it holds, a year at most; without it until it is changed again. */
  for_s?: number | null;
  /** @description DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter. */
  level: string;
};
/** @description How the model is to answer. */
export type ModelOptions = {
  /** @default 512 */
  max_tokens?: number;
  /** @default 0 */
  temperature?: number;
};
/**
 * @description What happens when a schedule falls due while a run it started has not ended.
 */
export type Overlap = "skip" | "buffer_one" | "allow" | "cancel_other";
/** @description One persona. */
export type Persona = {
  /** @default  */
  description?: string;
  /**
   * @default {
   *       "max_tokens": 512,
   *       "temperature": 0
   *     }
   */
  model?: ModelOptions;
  name: string;
  output_schema: {
    [key: string]: JsonValue;
  };
  recognizer?: string | null;
  system_prompt: string;
  title: string;
  user_template?: string | null;
  /** @default 1.0.0 */
  version?: string;
};
/** @description Every persona. */
export type PersonaList = {
  personas: Persona[];
};
/** @description What was done in one portion. */
export type PortionView = {
  next_cursor: string | null;
  runs: number;
};
/** @description Where in its queue a run is to stand. */
export type PriorityRequest = {
  priority: number;
};
/** @description Which runs are to go. */
export type PurgeRequest = {
  older_than_s: number;
  status?: RunStatus[] | null;
  workflow?: string | null;
};
/** @description What is gone, or would be. */
export type PurgeView = {
  event_bytes: number;
  events: number;
  held_back: number;
  runs: number;
};
/** @description The queues. */
export type QueueList = {
  queues: QueueView[];
};
/** @description A queue as it stands. */
export type QueueView = {
  concurrency: number | null;
  declared: boolean;
  delayed: number;
  held: number;
  name: string;
  oldest_wait_s: number | null;
  pause_reason: string | null;
  paused: boolean;
  per_tenant: number | null;
  problem: string | null;
  rate: RateView | null;
  running: number;
  running_by_tenant: {
    [key: string]: number;
  };
  waiting: number;
  waiting_by_priority: {
    [key: string]: number;
  };
  waiting_by_tenant: {
    [key: string]: number;
  };
};
/** @description How many runs may begin in any stretch of time. */
export type RateView = {
  count: number;
  per_s: number;
};
/**
 * @description What a start does when a run of its id has ended. One that gives up its id stays readable: as `<id>~1`, then `<id>~2`.
 */
export type Reuse = "use_existing" | "fail" | "start_anew" | "start_anew_if_failed";
/** @description A run in full. */
export type RunDetailView = {
  attributes: {
    [key: string]: boolean | number | string | string[] | TimeView;
  };
  created_at: string;
  error: ErrorView | null;
  finished_at: string | null;
  history_purged_at: string | null;
  id: string;
  input: unknown;
  moved_to: string | null;
  output: unknown;
  parent_id: string | null;
  problem: string | null;
  ran_as: string | null;
  status: RunStatus;
  trace_id: string | null;
  version: string;
  waiting_for: WaitView[];
  workflow: string;
  workflow_paused: HoldView | null;
};
/** @description One page of runs. */
export type RunList = {
  next_cursor: string | null;
  runs: RunView[];
};
/**
 * @description In which order runs are listed: that in which this journal took them in.
 */
export type RunOrder = "newest" | "oldest";
/**
 * @description Where a run stands.
 */
export type RunStatus = "queued" | "running" | "paused" | "completed" | "failed" | "cancelled" | "terminated";
/** @description A run as listings show it. */
export type RunView = {
  attributes: {
    [key: string]: boolean | number | string | string[] | TimeView;
  };
  created_at: string;
  finished_at: string | null;
  id: string;
  parent_id: string | null;
  status: RunStatus;
  version: string;
  workflow: string;
};
/** @description A run that a schedule started. */
export type ScheduledRunView = {
  id: string;
  scheduled_for: string;
  status: RunStatus | null;
};
/** @description One page of schedules, by id. */
export type ScheduleList = {
  next_cursor: string | null;
  schedules: ScheduleView[];
};
/** @description A schedule in full. Times are UTC. */
export type ScheduleView = {
  buffered_for: string | null;
  catch_up_s: number;
  created_at: string;
  id: string;
  input: unknown;
  jitter_s: number;
  last_runs: ScheduledRunView[];
  missed: number;
  next_times: string[];
  overlap: Overlap;
  pause_reason: string | null;
  paused: boolean;
  priority: number;
  problem: string | null;
  queue: string | null;
  skipped: number;
  spec: SpecView;
  workflow: string;
};
/**
 * @description What a start does when an open run has its singleton key.
 */
export type SingletonPolicy = "use_existing" | "fail" | "cancel_existing" | "wait";
/** @description At most one run of a workflow and key at work at a time. */
export type SingletonRequest = {
  key: string;
  /** @default use_existing */
  policy?: SingletonPolicy;
};
/** @description When a schedule falls due: by a cron expression, or at even distances. */
export type SpecView = {
  cron?: string | null;
  every_s?: number | null;
  offset_s?: number | null;
  zone?: string | null;
};
/** @description How a run is started, besides its input. */
export type StartOptionsRequest = {
  attributes?: {
    [key: string]: boolean | number | string | string[] | TimeView;
  };
  debounce?: DebounceRequest | null;
  delay_s?: number | null;
  /** @default use_existing */
  if_ended?: Reuse;
  /** @default use_existing */
  if_running?: Conflict;
  /** @default 5 */
  priority?: number;
  queue?: string | null;
  singleton?: SingletonRequest | null;
  start_at?: string | null;
  tenant?: string | null;
};
/** @description What to run. */
export type StartRequest = {
  id?: string | null;
  input?: JsonValue;
  options?: StartOptionsRequest | null;
  workflow: string;
};
/** @description A time among search attributes: JSON itself has none. */
export type TimeView = {
  time: string;
};
/** @description How an update stands. */
export type UpdateView = {
  answer: unknown;
  answered: boolean;
  id: string;
  name: string;
  run_id: string;
};
/** @description One thing that a run waits for. */
export type WaitView = {
  attempt: number | null;
  kind: string;
  name: string | null;
  place: number | null;
  until: string | null;
};
/** @description One version of a workflow, with its document. */
export type WorkflowDetail = {
  document: {
    [key: string]: unknown;
  } | null;
  kind: Kind;
  latest: boolean;
  name: string;
  namespace: string;
  paused: HoldView | null;
  problem: string | null;
  title: string;
  version: string;
};
/** @description Definitions. */
export type WorkflowList = {
  workflows: WorkflowView[];
};
/** @description One version of a workflow. */
export type WorkflowView = {
  kind: Kind;
  latest: boolean;
  name: string;
  namespace: string;
  paused: HoldView | null;
  problem: string | null;
  title: string;
  version: string;
};
