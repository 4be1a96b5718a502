// How many messages a stream carried, as the filter leaves it for access logs.
import type { JsonValue } from '../../../formatter/format-options.ts';
import type { PrintableState } from '../../../formatter/printable-state.ts';

/** Its key in the filter state. */
export const GRPC_STATS_STATE = 'envoy.filters.http.grpc_stats';

/** extensions.filters.http.grpc_stats.v3.FilterObject */
export class MessageCounts implements PrintableState {
  requests = 0;
  responses = 0;

  asText(): string {
    return `${this.requests},${this.responses}`;
  }

  /** ProtoJSON: 64-bit numbers are strings, and 0 is left out. */
  asJson(): JsonValue {
    return {
      ...(this.requests > 0 && { requestMessageCount: `${this.requests}` }),
      ...(this.responses > 0 && { responseMessageCount: `${this.responses}` }),
    };
  }

  /** As in Envoy, its fields cannot be had one by one. */
  field(_name: string): JsonValue {
    return null;
  }
}
