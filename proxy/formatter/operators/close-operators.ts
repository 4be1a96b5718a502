// Operators over how the two connections ended. In Envoy, and here, only sessions of tcp_proxy tell:
// an exchange of HTTP is logged before its connections end.
import { bare, type OperatorTable, orMissing } from '../operator.ts';

/** `…_DETECTED_CLOSE_TYPE` is Normal, LocalReset or RemoteReset. */
export const CLOSE_OPERATORS: OperatorTable = {
  DOWNSTREAM_DETECTED_CLOSE_TYPE: bare(({ info }) => info.downstreamCloseType),
  UPSTREAM_DETECTED_CLOSE_TYPE: bare(
    ({ info }) => info.upstreamCloseType ?? (info.upstreamHost === null ? null : 'Normal'),
  ),
  DOWNSTREAM_LOCAL_CLOSE_REASON: bare(({ info }) => orMissing(info.downstreamLocalCloseReason)),
  UPSTREAM_LOCAL_CLOSE_REASON: bare(({ info }) => orMissing(info.upstreamLocalCloseReason)),
};
