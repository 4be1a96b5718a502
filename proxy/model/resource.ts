// The resource store's vocabulary: a resource from any source (file, xDS, test) takes the same way:
// decode, validate, compile, publish to workers, swap.
import type { Message } from '@bufbuild/protobuf';
import type { Rejection, Warning } from '../base/result.ts';

/** The kinds of resource that the proxy is configured by. */
export type ResourceKind =
  | 'bootstrap'
  | 'listener'
  | 'cluster'
  | 'route'
  | 'endpoint'
  | 'secret'
  | 'scopes'
  | 'http-filter'
  | 'network-filter'
  | 'listener-filter';

/** A decoded Envoy v3 resource with its identity. */
export interface Resource {
  readonly kind: ResourceKind;
  readonly name: string;
  /** Version of the source; for files a hash of the content. */
  readonly version: string;
  readonly message: Message;
  /** True: a server or a file of resources said so; absent: it stands in the bootstrap. */
  readonly isDynamic?: boolean;
}

/** A change of the set of resources that is applied as one. */
export interface ResourceUpdate {
  readonly upserted: readonly Resource[];
  readonly removed: readonly { readonly kind: ResourceKind; readonly name: string }[];
}

/** What a source is told about its update: refused resources keep their last good version. */
export interface UpdateOutcome {
  readonly rejected: readonly RejectedResource[];
  readonly warned: readonly RejectedResource[];
}

/** Everything wrong (or doubtful) with one resource. */
export interface RejectedResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly problems: readonly (Rejection | Warning)[];
}
