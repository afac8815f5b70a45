// Defines the facts of a request that the access log and the problem document share.

export interface RequestFacts {
  /** Names the request in the service's log, and in the problem that it may end with. */
  readonly requestId: string;
  /** Code of that problem. */
  problem?: string;
}
