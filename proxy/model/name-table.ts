// Names of services and their addresses, as Istio's control plane tells them for a DNS proxy.

/** istio.networking.nds.v1.NameTable, by host name in lower case. */
export type NameTable = ReadonlyMap<string, NameInfo>;

/** What is known of one host name. */
export interface NameInfo {
  /** Numeric; of both families. */
  readonly ips: readonly string[];
  /** Who says so: `Kubernetes`, `External`. */
  readonly registry: string;
  /** Of a Kubernetes service: its name alone, and where it lives. */
  readonly shortName: string;
  readonly namespace: string;
}
