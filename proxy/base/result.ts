// Outcomes as values. A rejection names the resource and the field, so that every source
// (file, xDS) can report it in its own way.

/** Why one field of a resource cannot be used. */
export interface Rejection {
  /** Path below the resource with proto field names: `endpoints[2].lb_endpoints[0].endpoint.address`. */
  readonly path: string;
  /** What is wrong, what was expected, what to do; one sentence without the path. */
  readonly reason: string;
}

/** Something accepted that is surely not what the author meant. */
export type Warning = Rejection;
