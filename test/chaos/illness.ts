// What the two ends of a sick upstream say to each other.

/** What an upstream does to its requests; `backlogged` leaves room for SMALL_BACKLOG connections. */
export type Illness =
  | 'none'
  | 'reset'
  | 'refusing'
  | 'backlogged'
  | 'silent'
  | 'half-answer'
  | 'slow'
  | 'errors'
  | 'unavailable';

/** To the upstream; it answers each with a report. */
export type UpstreamOrder =
  | { readonly kind: 'fall-ill'; readonly illness: Illness }
  | { readonly kind: 'report' };

/** From the upstream. */
export interface UpstreamReport {
  /** Where it listens; told once, 0 later. */
  readonly port: number;
  /** Requests that reached it. */
  readonly requests: number;
}
