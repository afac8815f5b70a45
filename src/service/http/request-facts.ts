// What becomes known of a request while it is handled; the access log and problem details share it.

export interface RequestFacts {
  /** Names the request in the service's log, and in the problem that it may end with. */
  readonly requestId: string;
  /** Code of that problem. */
  problem?: string;
}
