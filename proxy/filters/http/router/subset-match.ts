// Which hosts of its cluster a request is for.
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { ForwardActionConfig, SubsetMatch } from '../../../model/route.ts';

/** Of metadata that balancers read. */
const BALANCER_NAMESPACE = 'envoy.lb';

/** The route's metadata_match; what filters wrote about the request wins over it. */
export function subsetMatch(
  { metadataMatch }: ForwardActionConfig,
  { dynamicMetadata }: StreamInfo,
): SubsetMatch {
  const written = dynamicMetadata?.get(BALANCER_NAMESPACE);
  return written === undefined ? metadataMatch : { ...metadataMatch, ...written };
}
