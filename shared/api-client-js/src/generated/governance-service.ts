// Written by scripts/generate.mjs from the OpenAPI document of the service; run `make api-client`.

/** @description What came of applying a policy. */
export type AppliedView = {
  created: boolean;
  dry_run: DryRunView | null;
  name: string;
  tests: TestsView;
  version: number | null;
};
/** @description What is asked, of whom. */
export type ApprovalRequest = {
  /** @description Who may decide. Default: everybody with the role approver. */
  candidates?: CandidatesRequest | null;
  /** @description What those who decide should know, as JSON. */
  context?: {
    [key: string]: unknown;
  };
  /** @description Whatever those who decide should read. */
  description?: string | null;
  /** @description The same as a moment. */
  due_at?: string | null;
  /** @description How long there is to decide, in seconds. Default: no limit. */
  due_in_s?: number | null;
  /** @description Who gets it at the due time: one, or one after the other. */
  escalate_to?: EscalationRequest[] | EscalationRequest | null;
  /**
   * @description Whether those who ask for it may not decide.
   * @default false
   */
  exclude_requester?: boolean;
  /**
   * @description How many different persons have to approve.
   * @default 1
   */
  four_eyes?: number;
  /** @description Its id; the same request with the same id again is the same approval. Default: a new one. */
  id?: string | null;
  /**
   * @description What it becomes when nobody has decided in time.
   * @default expire
   */
  on_expiry?: "expire" | "approve" | "reject";
  /** @description The person on whose behalf it is asked for. */
  requested_by?: string | null;
  /** @description The run that waits for the outcome. */
  run_id?: string | null;
  /** @description The signal that it waits for. */
  signal?: string | null;
  /** @description The tenant whose people decide; callers of a tenant need not say. Default: the caller's. */
  tenant?: string | null;
  /** @description One line that says what is asked. */
  title: string;
};
/** @description An approval as it stands. */
export type ApprovalView = {
  candidates: CandidatesView;
  claim: ClaimView | null;
  closed_at: string | null;
  closed_by: string | null;
  comments: CommentView[];
  context: {
    [key: string]: unknown;
  };
  created_at: string;
  decisions: VoteView[];
  delegations: DelegationView[];
  delivery?: DeliveryView | null;
  description: string | null;
  due_at: string | null;
  exclude_requester: boolean;
  four_eyes: number;
  id: string;
  level: number;
  levels: LevelView[];
  missing: number;
  on_expiry: string;
  requested_by: string | null;
  requester: string;
  run_id: string | null;
  signal: string | null;
  status: Status;
  tenant: string | null;
  title: string;
};
/** @description What somebody vouches for, that cannot be seen from outside. */
export type AttestationRequest = {
  /**
   * @description Which check it is for.
   */
  check: "performance" | "tests";
  /** @description What was found, in a sentence. */
  evidence: string;
  /** @description How it went. */
  passed: boolean;
  /** @description Where the report is. */
  url?: string | null;
  /**
   * @description How long it counts, in days.
   * @default 90
   */
  valid_days?: number;
};
/** @description The first thing that is wrong with the trail. */
export type BrokenView = {
  entry_id: string | null;
  fault: string;
  position: number;
  text: string;
};
/** @description Who the caller is, to this service. */
export type CallerView = {
  api_key: string | null;
  issuer: string | null;
  roles: string[];
  scopes: string[];
  subject: string;
  tenant: string | null;
};
export type Calls = {
  /** @description Take a key back. */
  "DELETE /api-keys/{key_id}": {
    answer: KeyView;
    path: {
      key_id: string;
    };
  };
  /** @description Give a claim back; admins may take it away. */
  "DELETE /approvals/{approval_id}/claim": {
    answer: ApprovalView;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
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
  /** @description Remove a role that nobody has. */
  "DELETE /roles/{name}": {
    path: {
      name: string;
    };
  };
  /** @description Publish the keys that sign access tokens, those to come included. */
  "GET /.well-known/jwks.json": {
    answer: {
      [key: string]: unknown;
    };
  };
  /** @description List keys: one's own, and those that one administers. */
  "GET /api-keys": {
    answer: PageOfKeyView;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
    };
  };
  /** @description List approvals of the caller's tenant, the latest first; the platform's admins see those of all tenants. */
  "GET /approvals": {
    answer: PageOfApprovalView;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /**
       * @description Only those that the caller may decide now.
       * @default false
       */
      mine?: boolean;
      /** @description Only those that this run waits for. */
      run_id?: string | null;
      /** @description Only those that stand so. */
      status?: Status | null;
      /** @description Only those of this tenant; for the platform's admins. */
      tenant?: string | null;
    };
  };
  /** @description Show an approval, and how far its outcome has come on its way to the run that waits. */
  "GET /approvals/{approval_id}": {
    answer: ApprovalView;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
    };
  };
  /** @description List entries, the newest first. */
  "GET /audit/entries": {
    answer: PageOfEntryView;
    query?: {
      /** @description This action; with `*` at its end all that begin so. */
      action?: string | null;
      /** @description Of this actor. */
      actor?: string | null;
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /** @description That ended so. */
      outcome?: string | null;
      /** @description To this. */
      resource?: string | null;
      /** @description Told by this service. */
      service?: string | null;
      /** @description Recorded at this time or later. */
      since?: string | null;
      /** @description Of this tenant; callers who belong to one see only theirs. */
      tenant?: string | null;
      /** @description Of this trace. */
      trace_id?: string | null;
      /** @description Recorded before this time. */
      until?: string | null;
    };
  };
  /** @description Write the whole trail as lines of JSON, with the checkpoints that vouch for it. */
  "GET /audit/export": {
    answer: unknown;
  };
  /** @description Show the public keys of checkpoints, to be kept by whoever verifies elsewhere. */
  "GET /audit/keys": {
    answer: {
      [key: string]: unknown;
    };
  };
  /** @description Read the whole chain, and compare it with what was signed for. */
  "GET /audit/verification": {
    answer: VerdictView;
  };
  /** @description Tell callers who they are. */
  "GET /auth/me": {
    answer: CallerView;
  };
  /** @description Take the browser back, and give tokens. */
  "GET /auth/oidc/callback": {
    answer: TokenView;
    query: {
      code?: string | null;
      error?: string | null;
      iss?: string | null;
      state: string;
    };
  };
  /** @description List the outside providers that people may sign in with. */
  "GET /auth/oidc/providers": {
    answer: ProvidersView;
  };
  /** @description List the latest decisions of the caller's tenant; the platform's admins see those of all tenants. */
  "GET /decisions": {
    answer: PageOfLoggedDecisionView;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /** @description Only those of this policy. */
      policy?: string | null;
    };
  };
  /** @description Show a decision of the log: what was asked, what was answered, and why. */
  "GET /decisions/{decision_id}": {
    answer: LoggedDecisionView;
    path: {
      decision_id: string;
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
  /** @description List the policies in force, by name. */
  "GET /policies": {
    answer: PoliciesView;
  };
  /** @description Show the version in force of a policy, and which versions there are. */
  "GET /policies/{name}": {
    answer: PolicyDetailView;
    header?: {
      /** @description Go on only when the current ETag is one of these. */
      "If-Match"?: string;
      /** @description Go on only when the current ETag is none of these. */
      "If-None-Match"?: string;
    };
    path: {
      name: string;
    };
  };
  /** @description Show a version of a policy. */
  "GET /policies/{name}/{version}": {
    answer: PolicyDetailView;
    path: {
      name: string;
      version: number;
    };
  };
  /** @description List all roles. */
  "GET /roles": {
    answer: RolesView;
  };
  /** @description List the latest scorecard of each service, by name. */
  "GET /scorecards": {
    answer: ScorecardsView;
  };
  /** @description Show the latest scorecard of a service, line by line, and its trend; it is made when there is none yet. */
  "GET /scorecards/{service}": {
    answer: ScorecardDetailView;
    path: {
      service: string;
    };
    query?: {
      /**
       * @description How many earlier scores at most.
       * @default 50
       */
      limit?: number;
    };
  };
  /** @description List users by name: those of the caller's tenant, and all for an admin of the platform. */
  "GET /users": {
    answer: PageOfUserView;
    query?: {
      /** @description `next_cursor` of the page before. */
      cursor?: string | null;
      /**
       * @description How many items at most.
       * @default 50
       */
      limit?: number;
      /** @description Only those of this tenant. */
      tenant?: string | null;
    };
  };
  /** @description Show a user: oneself, or whom one administers. */
  "GET /users/{name}": {
    answer: UserView;
    path: {
      name: string;
    };
  };
  /** @description Make a key for the caller's own programs, or for a machine that the caller administers. */
  "POST /api-keys": {
    answer: NewKeyView;
    body: KeyRequest;
  };
  /** @description Ask for an approval (201). The same request with the same id again is the same approval (200). */
  "POST /approvals": {
    answer: ApprovalView;
    body: ApprovalRequest;
  };
  /** @description Take it back: for the one who asked for it, and admins. The run that waits is told. */
  "POST /approvals/{approval_id}/cancel": {
    answer: ApprovalView;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
    };
  };
  /** @description Say that one is at it: for a while nobody else can decide. Claiming again prolongs it. */
  "POST /approvals/{approval_id}/claim": {
    answer: ApprovalView;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
    };
  };
  /** @description Write a comment: for those who ask for it, those who decide, and admins. */
  "POST /approvals/{approval_id}/comments": {
    answer: ApprovalView;
    body: CommentRequest;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
    };
  };
  /** @description Approve or reject. Saying the same again changes nothing; 409 when it is settled, or one has said something else. */
  "POST /approvals/{approval_id}/decide": {
    answer: ApprovalView;
    body: DecideRequest;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
    };
  };
  /** @description Let somebody else decide instead. */
  "POST /approvals/{approval_id}/delegate": {
    answer: ApprovalView;
    body: DelegateRequest;
    path: {
      approval_id: string;
    };
    query?: {
      /** @description Whose approval is meant, where several tenants have one of this id; empty for the platform's own. */
      tenant?: string | null;
    };
  };
  /** @description Record what a service says (201), once however often it says so (200). The answer comes when the entry is signed for. */
  "POST /audit/entries": {
    answer: EntryView;
    body: RecordRequest;
  };
  /** @description Replace the key that signs access tokens at once, because it may be known to others: every access token ends. */
  "POST /auth/keys/replace": Record<string, unknown>;
  /** @description End a session. What is unknown or has ended is no error. */
  "POST /auth/logout": {
    body?: LogoutRequest | null;
  };
  /** @description Choose a password of one's own; all sessions of the user end. */
  "POST /auth/password": {
    body: PasswordRequest;
  };
  /** @description Give the next tokens of a session. A refresh token that comes a second time ends the session. */
  "POST /auth/refresh": {
    answer: TokenView;
    body: RefreshRequest;
  };
  /** @description Give tokens for a name and a password; or an access token alone for an API key. */
  "POST /auth/token": {
    answer: TokenView;
    body: TokenRequest;
  };
  /** @description Ask a policy: allow, deny or needs_approval, and why. The decision goes into the log, unless it is a dry run. */
  "POST /decisions": {
    answer: DecisionView;
    body: DecisionRequest;
  };
  /** @description Run the tests of the version in force, or of one that is sent along; nothing is changed. */
  "POST /policies/{name}/test": {
    answer: TestsView;
    body?: PolicyRequest | null;
    path: {
      name: string;
    };
  };
  /** @description Look at a service now. */
  "POST /scorecards/{service}/assess": {
    answer: ScorecardDetailView;
    path: {
      service: string;
    };
  };
  /** @description Vouch for what cannot be seen from outside: a run of the tests, a load test. It counts from now on. */
  "POST /scorecards/{service}/attestations": {
    answer: ScorecardDetailView;
    body: AttestationRequest;
    path: {
      service: string;
    };
  };
  /** @description Look at every registered service now. */
  "POST /scorecards/assess": {
    answer: ScorecardsView;
  };
  /** @description Make a user. */
  "POST /users": {
    answer: NewUserView;
    body: UserRequest;
  };
  /** @description Let a user sign in no more; their sessions end, their API keys are refused. */
  "POST /users/{name}/disable": {
    answer: UserView;
    path: {
      name: string;
    };
  };
  /** @description Let a user sign in again. */
  "POST /users/{name}/enable": {
    answer: UserView;
    path: {
      name: string;
    };
  };
  /** @description Replace a user's password by one that the user must change; their sessions end. */
  "POST /users/{name}/password": {
    answer: NewUserView;
    body?: ResetRequest | null;
    path: {
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
  /**
   * @description Put a version of a policy in force (201); the same content again changes nothing (200).
   *
   *     Its own tests have to pass. A dry run says how they go, and which of the latest decisions the version would take otherwise.
   */
  "PUT /policies/{name}": {
    answer: AppliedView;
    body: PolicyRequest;
    header?: {
      /** @description Go on only when the current ETag is one of these. */
      "If-Match"?: string;
      /** @description Go on only when the current ETag is none of these. */
      "If-None-Match"?: string;
    };
    path: {
      name: string;
    };
    query?: {
      /**
       * @description Change nothing: say what the latest decisions would be.
       * @default false
       */
      dry_run?: boolean;
    };
  };
  /** @description Make a role (201), or change what it is for (200). */
  "PUT /roles/{name}": {
    answer: RoleView;
    body: RoleRequest;
    path: {
      name: string;
    };
  };
  /** @description Give a user other roles; their sessions end when one is taken away. */
  "PUT /users/{name}/roles": {
    answer: UserView;
    body: RolesRequest;
    path: {
      name: string;
    };
  };
};
/** @description Who may decide. */
export type CandidatesRequest = {
  /** @description Everybody who has one of these roles. */
  roles?: string[];
  /** @description Persons, by the subject of their tokens. */
  users?: string[];
};
/** @description Who may decide now: delegates among them, and without those who cannot any more. */
export type CandidatesView = {
  roles: string[];
  users: string[];
};
/** @description A decision that a new version would take otherwise. */
export type ChangeView = {
  after: Outcome | null;
  before: Outcome;
  decision_id: string;
  question: {
    [key: string]: unknown;
  };
  reasons: ReasonView[];
};
/**
 * @description What a person can say.
 */
export type Choice = "approve" | "reject";
/** @description Who is at it. */
export type ClaimView = {
  by: string;
  until: string;
};
/** @description What is to be said about it. */
export type CommentRequest = {
  /** @description The comment. */
  text: string;
};
/** @description What somebody wrote. */
export type CommentView = {
  at: string;
  by: string;
  text: string;
};
/** @description What is decided. */
export type DecideRequest = {
  /** @description Why. */
  comment?: string | null;
  /** @description `approve` or `reject`. */
  decision: Choice;
};
/** @description May somebody do something to something? */
export type DecisionRequest = {
  /** @description What: an action of the policy's schema. */
  action: string;
  /** @description Under which circumstances. */
  context?: {
    [key: string]: unknown;
  };
  /**
   * @description Answer without keeping the decision.
   * @default false
   */
  dry_run?: boolean;
  /** @description Others that the rules look at; as `principal`. */
  entities?: {
    [key: string]: unknown;
  }[];
  /** @description Its name. */
  policy: string;
  /** @description Who: `{type, id, attributes?, parents?}`. */
  principal: {
    [key: string]: unknown;
  };
  /** @description To what; as `principal`. */
  resource: {
    [key: string]: unknown;
  };
  /** @description On behalf of which tenant; callers of a tenant need not say. Default: the caller's. */
  tenant?: string | null;
};
/** @description An answer with its reasons. */
export type DecisionView = {
  decision: Outcome;
  decision_id: string;
  dry_run: boolean;
  policy: string;
  policy_version: number;
  reasons: ReasonView[];
};
/** @description Who is to decide instead. */
export type DelegateRequest = {
  /** @description Why. */
  comment?: string | null;
  /** @description The person. */
  to: string;
};
/** @description A seat that was handed on. */
export type DelegationView = {
  at: string;
  by: string;
  comment: string | null;
  to: string;
};
/** @description How far the outcome has come on its way to the run. */
export type DeliveryView = {
  attempts: number;
  delivered_at: string | null;
  problem: string | null;
  state: string;
};
/** @description A new version beside the latest decisions. */
export type DryRunView = {
  changed: number;
  changes: ChangeView[];
  compared: number;
};
/** @description An entry of the trail. */
export type EntryView = {
  action: string;
  actor: string;
  details: {
    [key: string]: unknown;
  };
  hash: string;
  id: string;
  occurred_at: string;
  outcome: string;
  position: number;
  previous_hash: string;
  resource: string;
  service: string;
  tenant: string | null;
  time: string;
  trace_id: string | null;
};
/** @description Who gets it when the time of those before is over. */
export type EscalationRequest = {
  /** @description How long they have, in seconds. Default: as long as those before. */
  due_in_s?: number | null;
  /** @description Everybody who has one of these roles. */
  roles?: string[];
  /** @description Persons, by the subject of their tokens. */
  users?: string[];
};
/** @description A new key. */
export type KeyRequest = {
  /**
   * @description How long it is valid, in seconds. Default: 90 days.
   * @default 7776000
   */
  expires_in_s?: number;
  /** @description The machine that it speaks for; the caller when absent. */
  machine?: string | null;
  /** @description Its roles. */
  roles?: string[];
  /** @description Its scopes. */
  scopes?: string[];
  /** @description The machine's tenant; the caller's own when absent. */
  tenant?: string | null;
  /** @description What it is for. */
  title: string;
};
/** @description A key, without its secret. */
export type KeyView = {
  created_at: string;
  created_by: string;
  expires_at: string;
  id: string;
  last_used_at: string | null;
  revoked_at: string | null;
  roles: string[];
  scopes: string[];
  subject: string;
  tenant: string | null;
  title: string;
};
/** @description A level for a logger. */
export type LevelChange = {
  /** @description How long it holds, a year at most; without it until it is changed again. */
  for_s?: number | null;
  /** @description DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter. */
  level: string;
};
/** @description Who gets it when, and how long they have. */
export type LevelView = {
  lasts_s: number | null;
  roles: string[];
  users: string[];
};
/** @description A decision of the log, with what was asked. */
export type LoggedDecisionView = {
  asked_by: string;
  decided_at: string;
  decision: Outcome;
  decision_id: string;
  dry_run: boolean;
  policy: string;
  policy_version: number;
  question: {
    [key: string]: unknown;
  };
  reasons: ReasonView[];
  tenant: string | null;
  trace_id: string | null;
};
/** @description A session to end. */
export type LogoutRequest = {
  /** @description Any of the session's; without it the session of the access token ends. */
  refresh_token?: string | null;
};
/** @description A key that was just made. */
export type NewKeyView = {
  /** @description The key itself, shown this once. */
  api_key: string;
  created_at: string;
  created_by: string;
  expires_at: string;
  id: string;
  last_used_at: string | null;
  revoked_at: string | null;
  roles: string[];
  scopes: string[];
  subject: string;
  tenant: string | null;
  title: string;
};
/** @description A user, with the password that was made. */
export type NewUserView = {
  created_at: string;
  disabled_at: string | null;
  external: string | null;
  must_change_password: boolean;
  name: string;
  /** @description Shown this once; absent when the caller chose it. */
  password?: string | null;
  password_changed_at: string | null;
  roles: string[];
  tenant: string | null;
};
/**
 * @description What a policy says.
 */
export type Outcome = "allow" | "deny" | "needs_approval";
export type PageOfApprovalView = {
  /** @description The items of this page. */
  items: ApprovalView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
export type PageOfEntryView = {
  /** @description The items of this page. */
  items: EntryView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
export type PageOfKeyView = {
  /** @description The items of this page. */
  items: KeyView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
export type PageOfLoggedDecisionView = {
  /** @description The items of this page. */
  items: LoggedDecisionView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
export type PageOfUserView = {
  /** @description The items of this page. */
  items: UserView[];
  /** @description Where the next page begins; absent after the last one. */
  next_cursor?: string | null;
};
/** @description A new password of the user's own choice. */
export type PasswordRequest = {
  /**
   * @description The new one.
   */
  new_password: string;
  /**
   * @description The password until now.
   */
  password: string;
  /** @description The user's name. */
  username: string;
};
/** @description A score of the past. */
export type PointView = {
  score: number;
  taken_at: string;
};
/** @description The policies in force, by name. */
export type PoliciesView = {
  policies: PolicyView[];
};
/** @description A version of a policy in full. */
export type PolicyDetailView = {
  created_at: string;
  created_by: string;
  description: string;
  name: string;
  rules: RuleView[];
  schema: string;
  tests: {
    [key: string]: unknown;
  }[];
  text: string;
  version: number;
  /** @default [] */
  versions?: number[];
};
/** @description A version of a policy. */
export type PolicyRequest = {
  /**
   * @description What it is for.
   * @default
   */
  description?: string;
  /** @description What can be asked about, as a Cedar schema. */
  schema: string;
  /** @description Questions with the answers that they have to get: `{name, principal, action, resource, context?, expect, rules?}`. */
  tests?: {
    [key: string]: unknown;
  }[];
  /** @description Its rules, in Cedar; each has `@id("…")` and `@text("…")`. */
  text: string;
};
/** @description A version of a policy. */
export type PolicyView = {
  created_at: string;
  created_by: string;
  description: string;
  name: string;
  tests: number;
  version: number;
};
/** @description The providers that people may sign in with. */
export type ProvidersView = {
  providers: string[];
};
/** @description Why a policy decides as it does. */
export type ReasonView = {
  rule: string;
  text: string;
};
/** @description What a service says. */
export type RecordRequest = {
  /** @description What was done, as `<subject>.<verb>`. */
  action: string;
  /** @description Who did it. */
  actor: string;
  /** @description Whatever else should be known, without secrets; at most 16 KiB. */
  details?: {
    [key: string]: unknown;
  };
  /** @description An id of the service's own: sent again it is the same entry. */
  id?: string | null;
  /** @description When it happened, by the service's clock. */
  occurred_at?: string | null;
  /**
   * @description How it ended.
   * @default success
   */
  outcome?: "success" | "denied" | "failure";
  /** @description To what. */
  resource: string;
  /** @description The tenant that it belongs to. */
  tenant?: string | null;
  /** @description Its trace; that of this request when absent. */
  trace_id?: string | null;
};
/** @description A refresh token. */
export type RefreshRequest = {
  /**
   * @description The session's last one; each is used once.
   */
  refresh_token: string;
};
/** @description A password that somebody else sets. */
export type ResetRequest = {
  /** @description The password; when absent one is made and shown once. */
  password?: string | null;
};
/** @description How a service stands on one line of the checklist. */
export type ResultView = {
  check: string;
  evidence: string;
  item: string;
  remedy: string | null;
  state: State;
  weight: number;
};
/** @description A role of the platform's own making. */
export type RoleRequest = {
  /**
   * @description What it is for.
   * @default
   */
  description?: string;
  /** @description The scopes that it gives. */
  scopes?: string[];
};
/** @description All roles that a user has from now on. */
export type RolesRequest = {
  /** @description The roles. */
  roles: string[];
};
/** @description All roles. */
export type RolesView = {
  roles: RoleView[];
};
/** @description A role. */
export type RoleView = {
  description: string;
  name: string;
  scopes: string[];
};
/** @description A rule of a policy. */
export type RuleView = {
  effect: string;
  id: string;
  text: string;
};
/** @description How a service stands, line by line, and how it stood before. */
export type ScorecardDetailView = {
  failed: number;
  passed: number;
  /** @default [] */
  results?: ResultView[];
  score: number;
  service: string;
  taken_at: string;
  /** @default [] */
  trend?: PointView[];
  unknown: number;
};
/** @description The latest scorecard of each service, by name. */
export type ScorecardsView = {
  scorecards: ScorecardView[];
};
/** @description How a service stands. */
export type ScorecardView = {
  failed: number;
  passed: number;
  score: number;
  service: string;
  taken_at: string;
  unknown: number;
};
/**
 * @description How a check went.
 */
export type State = "passed" | "failed" | "unknown";
/**
 * @description How an approval stands.
 */
export type Status = "open" | "approved" | "rejected" | "expired" | "cancelled";
/** @description How a test went. */
export type TestResultView = {
  expect: Outcome;
  got: Outcome | null;
  name: string;
  passed: boolean;
  problem: string | null;
  rules: string[];
};
/** @description How the tests of a policy went. */
export type TestsView = {
  passed: boolean;
  policy: string;
  results: TestResultView[];
};
/** @description How the caller proves who they are. */
export type TokenRequest = {
  /**
   * @description `password`, with `username` and `password`; or `api_key`, with the key in its own header.
   * @default password
   */
  grant_type?: "password" | "api_key";
  /** @description The password. */
  password?: string | null;
  /** @description The user's name. */
  username?: string | null;
};
/** @description Tokens, as OAuth 2.0 names them (RFC 6749, 5.1). */
export type TokenView = {
  access_token: string;
  expires_in: number;
  refresh_expires_in?: number | null;
  refresh_token?: string | null;
  scope: string;
  /** @default Bearer */
  token_type?: string;
};
/** @description A new user. */
export type UserRequest = {
  /** @description The user's name; never given out a second time. */
  name: string;
  /** @description The first password; when absent one is made, shown once, and must be changed. */
  password?: string | null;
  /** @description The user's roles. */
  roles?: string[];
  /** @description The user's tenant; the caller's own when absent. */
  tenant?: string | null;
};
/** @description A user. */
export type UserView = {
  created_at: string;
  disabled_at: string | null;
  external: string | null;
  must_change_password: boolean;
  name: string;
  password_changed_at: string | null;
  roles: string[];
  tenant: string | null;
};
/** @description What verifying the trail has found. */
export type VerdictView = {
  anchored: number;
  broken: BrokenView | null;
  entries: number;
  head: number;
  head_hash: string;
  intact: boolean;
};
/** @description What a person said. */
export type VoteView = {
  at: string;
  by: string;
  comment: string | null;
  decision: Choice;
};
