// What a route table says to all of its routes.

/** Envoy route.v3.RouteConfiguration.max_direct_response_body_size_bytes. */
export const DEFAULT_MAX_DIRECT_RESPONSE_BODY_BYTES = 4096;

/** What the route table at large says to each of its actions. */
export interface RouteTableRules {
  readonly name: string;
  /** Clusters that may be named; null: any. */
  readonly clusterNames: ReadonlySet<string> | null;
  readonly maxDirectResponseBodyBytes: number;
}
