// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.

/** @description What is to be analysed, and as whom. */
export type AnalysisRequest = {
  context?: {
    [key: string]: JsonValue;
  } | null;
  input: string | {
    [key: string]: JsonValue;
  };
  persona: string;
};
/** @description The answer and where it comes from. */
export type AnalysisResponse = {
  cached: boolean;
  confidence: number | null;
  duration_ms: number;
  evidence: {
    [key: string]: JsonValue;
  }[];
  method: string;
  model: string | null;
  persona: string;
  persona_version: string;
  result: JsonValue;
};
/** @description What may be used in one window. */
export type BudgetView = {
  cost_micros: number | null;
  cost_micros_left: number | null;
  ends_at: string;
  tokens: number | null;
  tokens_left: number | null;
  window: Window;
};
/** @description One cache of one process. */
export type CacheCounts = {
  entries: number;
  hits: number;
  misses: number;
};
/** @description The caller's tenant's remembered answers, in the process that answers. */
export type CacheView = {
  exact: CacheCounts;
  false_hits: {
    [key: string]: FalseHitsView;
  };
  semantic: CacheCounts | null;
};
export type Calls = {
  /** @description Forget remembered answers of the caller's tenant. */
  "DELETE /cache": {
    answer: {
      [key: string]: number;
    };
    query?: {
      persona?: string | null;
    };
  };
  /** @description Forget everything that the caller's tenant has taught a persona, or all examples of one answer. */
  "DELETE /learned/{persona}": {
    answer: {
      [key: string]: number;
    };
    path: {
      persona: string;
    };
    query?: {
      /** @description An answer as JSON. */
      result?: string | null;
    };
  };
  /** @description Forget an example. It is done when it was not there. */
  "DELETE /learned/{persona}/examples/{example_id}": {
    path: {
      example_id: string;
      persona: string;
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
  /** @description Show what is remembered for the caller's tenant, and how often it was wrong. */
  "GET /cache": {
    answer: CacheView;
  };
  /** @description List the personas that the caller's tenant has taught. */
  "GET /learned": {
    answer: {
      [key: string]: PersonaCount[];
    };
  };
  /** @description Show what a persona has learnt, and what its confidence is worth. */
  "GET /learned/{persona}": {
    answer: LearnedView;
    path: {
      persona: string;
    };
  };
  /** @description List examples, the newest first. */
  "GET /learned/{persona}/examples": {
    answer: ExamplePage;
    path: {
      persona: string;
    };
    query?: {
      cursor?: string | null;
      /** @default 100 */
      limit?: number;
      /** @description An answer as JSON. */
      result?: string | null;
      text?: string | null;
    };
  };
  /** @description Show one example; its `ETag` is its version. */
  "GET /learned/{persona}/examples/{example_id}": {
    answer: ExampleView;
    path: {
      example_id: string;
      persona: string;
    };
  };
  /** @description Count the examples of each answer. */
  "GET /learned/{persona}/labels": {
    answer: {
      [key: string]: {
        [key: string]: JsonValue;
      }[];
    };
    path: {
      persona: string;
    };
  };
  /** @description List the endpoints: where they stand in line, and whether their circuit breaker lets calls through. */
  "GET /models": {
    answer: {
      [key: string]: EndpointView[];
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
    answer: {
      [key: string]: PersonaView[];
    };
  };
  /** @description Show a persona as this service uses it. */
  "GET /personas/{name}": {
    answer: PersonaView;
    path: {
      name: string;
    };
  };
  /** @description Show what the caller's tenant has used of models in the present windows, and what is left. */
  "GET /usage": {
    answer: PresentUsage;
  };
  /** @description List the windows in which the caller's tenant used models, the newest first. */
  "GET /usage/{window}": {
    answer: {
      [key: string]: UsageView[];
    };
    path: {
      window: Window;
    };
    query?: {
      /** @default 100 */
      limit?: number;
    };
  };
  /** @description Give an example another answer; with `If-Match`, only if nobody else has meanwhile. */
  "PATCH /learned/{persona}/examples/{example_id}": {
    answer: ExampleView;
    body: Correction;
    header?: {
      "if-match"?: string | null;
    };
    path: {
      example_id: string;
      persona: string;
    };
  };
  /** @description Analyse an input by a persona. */
  "POST /analyze": {
    answer: AnalysisResponse;
    body: AnalysisRequest;
  };
  /**
   * @description Analyse an input by a persona and send the model's words as they come.
   *
   *     Events: `piece` `{text}`; `again` `{faults}`, after which the pieces begin anew; last `result`, the same as `/analyze` answers,
   *     or `error`, a problem document. Closing the connection ends the model's work.
   */
  "POST /analyze/stream": {
    body: AnalysisRequest;
    events: true;
  };
  /** @description Teach a persona the right answer to a question; it counts from the next question on. */
  "POST /feedback": {
    answer: TaughtView;
    body: FeedbackRequest;
  };
  /** @description Teach a persona several answers at once; all of them are kept, or none. */
  "POST /feedback/batch": {
    answer: {
      [key: string]: TaughtView[];
    };
    body: LessonsRequest;
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
};
/** @description Another answer. */
export type Correction = {
  result: JsonValue;
};
/** @description How an endpoint stands. */
export type EndpointView = {
  concurrency: number;
  identity: string;
  name: string;
  state: string;
  tier: number;
  timeout_s: number;
  weight: number;
};
/** @description Some examples, the newest first. */
export type ExamplePage = {
  examples: ExampleView[];
  next_cursor: string | null;
};
/** @description One example. */
export type ExampleView = {
  created_at: string;
  id: string;
  question: string;
  result: JsonValue;
  taught_by: string;
  updated_at: string;
  version: number;
};
/** @description What is known about answers by likeness to one persona's questions. */
export type FalseHitsView = {
  checked: number;
  false: number;
  threshold: number | null;
  upper_rate: number;
};
/** @description One lesson. */
export type FeedbackRequest = {
  context?: {
    [key: string]: JsonValue;
  } | null;
  input: string | {
    [key: string]: JsonValue;
  };
  persona: string;
  result: JsonValue;
};
export type JsonValue = unknown;
/** @description What one persona has learnt. */
export type LearnedView = {
  answered_share: number | null;
  calibration_error: number | null;
  examples: number;
  held_out_accuracy: number | null;
  is_fitted: boolean;
  labels: number;
  persona: string;
  sure_from: number | null;
  unfitted: number;
};
/** @description A question and the answer that is right. */
export type LessonBody = {
  context?: {
    [key: string]: JsonValue;
  } | null;
  input: string | {
    [key: string]: JsonValue;
  };
  result: JsonValue;
};
/** @description Several lessons. */
export type LessonsRequest = {
  examples: LessonBody[];
  persona: string;
};
/** @description A level for a logger. */
export type LevelChange = {
  /** @description How long it holds, a year at most; without it until it is changed again. */
  for_s?: number | null;
  /** @description DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter. */
  level: string;
};
/** @description How much a persona was taught. */
export type PersonaCount = {
  examples: number;
  persona: string;
};
/** @description A persona, as the orchestrator describes it. */
export type PersonaView = {
  description: string;
  learns: boolean;
  name: string;
  output_schema: {
    [key: string]: JsonValue;
  };
  recognizer: string | null;
  title: string;
  version: string;
};
/** @description The caller's tenant, now. */
export type PresentUsage = {
  budgets: BudgetView[];
  usage: UsageView[];
};
/** @description What became of a lesson. */
export type TaughtView = {
  id: string;
  is_new: boolean;
  version: number;
};
/** @description What was used in one window. */
export type UsageView = {
  calls: number;
  cost_micros: number;
  input_tokens: number;
  output_tokens: number;
  starts_at: string;
  window: Window;
};
/**
 * @description A stretch of the calendar, in UTC.
 */
export type Window = "hour" | "day" | "month";
