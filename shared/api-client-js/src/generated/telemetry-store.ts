// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.

export type Calls = {
  "DELETE /ops/loggers/{name}": {
    answer: {
      [key: string]: unknown;
    };
    path: {
      name: string;
    };
  };
  /** @description Show which services answered how much, and who called whom. */
  "GET /graph": {
    answer: GraphView;
    query?: {
      /**
       * @description How far to look back, in seconds.
       * @default 900
       */
      window_s?: number;
    };
  };
  /** @description List log lines, the latest first. */
  "GET /logs": {
    answer: PageOfLogView;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @default debug
       */
      level?: "debug" | "info" | "warning" | "error" | "critical";
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /** @description Name of a service. */
      service?: string | null;
      /** @description The earliest moment. */
      since?: string | null;
      /** @description Words, or their beginnings. */
      text?: string | null;
      trace_id?: string | null;
      /** @description The moment before which it must be. */
      until?: string | null;
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
  /** @description Show a metric over time. */
  "GET /series": {
    answer: SeriesView[];
    query: {
      /** @default 5000 */
      limit?: number;
      name: string;
      /** @description Name of a service. */
      service?: string | null;
      /**
       * @description How far to look back, in seconds.
       * @default 900
       */
      window_s?: number;
    };
  };
  /** @description Show how much is kept, and how much may be. */
  "GET /statistics": {
    answer: StatisticsView;
  };
  /** @description List traces, the latest first. */
  "GET /traces": {
    answer: PageOfTraceSummaryView;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /** @description With, or without, a span that failed. */
      failed?: boolean | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /** @default 0 */
      min_duration_ms?: number;
      /** @description Part of the first span's name. */
      name?: string | null;
      /** @description Name of a service. */
      service?: string | null;
      /** @description The earliest moment. */
      since?: string | null;
      /** @description The moment before which it must be. */
      until?: string | null;
    };
  };
  /** @description Show everything that carries a trace id; 404 when there is nothing, not or not any more. */
  "GET /traces/{trace_id}": {
    answer: TraceView;
    path: {
      /** @description 32 lower-case hex digits. */
      trace_id: string;
    };
  };
  /** @description Take log records: an ExportLogsServiceRequest. The sender shows `otlp_token`, not a token of a person. */
  "POST /v1/logs": {
    answer: unknown;
    body: unknown | string;
    contentType?: "application/x-protobuf";
  };
  /** @description Take points of metrics: an ExportMetricsServiceRequest. The sender shows `otlp_token`, not a token of a person. */
  "POST /v1/metrics": {
    answer: unknown;
    body: unknown | string;
    contentType?: "application/x-protobuf";
  };
  /** @description Take spans: an ExportTraceServiceRequest. The sender shows `otlp_token`, not a token of a person. */
  "POST /v1/traces": {
    answer: unknown;
    body: unknown | string;
    contentType?: "application/x-protobuf";
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
/** @description What a service asked of another one. */
export type DependencyView = {
  callee: string;
  caller: string;
  failed: number;
  p50_ms: number;
  p95_ms: number;
  requests: number;
};
/** @description Who calls whom. */
export type GraphView = {
  dependencies: DependencyView[];
  services: LoadView[];
};
/** @description A level for a logger. */
export type LevelChange = {
  /** @description How long it holds, a year at most; without it until it is changed again. */
  for_s?: number | null;
  /** @description DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter. */
  level: string;
};
/** @description What a service had to answer. */
export type LoadView = {
  failed: number;
  p50_ms: number;
  p95_ms: number;
  requests: number;
  service: string;
};
/** @description A line of a log. */
export type LogView = {
  attributes: {
    [key: string]: unknown;
  };
  event: string;
  level: string;
  logger: string;
  service: string;
  span_id: string | null;
  time: string;
  trace_id: string | null;
};
export type PageOfLogView = {
  /** @description The items of this page. */
  items: LogView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
export type PageOfTraceSummaryView = {
  /** @description The items of this page. */
  items: TraceSummaryView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
/** @description A metric of a service over time. */
export type SeriesView = {
  attributes: {
    [key: string]: unknown;
  };
  kind: string;
  name: string;
  points: [
    string,
    number
  ][];
  service: string;
  unit: string;
};
/** @description A span. */
export type SpanView = {
  attributes: {
    [key: string]: unknown;
  };
  duration_ms: number;
  events: {
    [key: string]: unknown;
  }[];
  failed: boolean;
  kind: string;
  message: string;
  name: string;
  parent_id: string | null;
  resource: {
    [key: string]: unknown;
  };
  service: string;
  span_id: string;
  start: string;
};
/** @description How much is kept. */
export type StatisticsView = {
  keep_s: number;
  logs: number;
  max_bytes: number;
  points: number;
  spans: number;
  traces: number;
  used_bytes: number;
};
/** @description A trace in a listing. */
export type TraceSummaryView = {
  duration_ms: number;
  failed_spans: number;
  name: string;
  service: string;
  services: string[];
  spans: number;
  start: string;
  trace_id: string;
};
/** @description Everything that carries one trace id. */
export type TraceView = {
  is_cut: boolean;
  logs: LogView[];
  spans: SpanView[];
  trace_id: string;
};
