// What a client gets when the upstream fails before its response began, in Envoy's words.
import { HeaderList } from '../../../http/header-list.ts';
import type { ResponseFlag } from '../../../http/response-flags.ts';
import type { ResetReason } from '../../../http/stream.ts';
import type { LocalReply } from '../../http-filter.ts';

interface Failure {
  readonly text: string;
  readonly status: number;
  readonly flag: ResponseFlag;
}

const FAILURES: Readonly<Record<ResetReason, Failure>> = {
  'connection-failure': { text: 'remote connection failure', status: 503, flag: 'UF' },
  'connection-timeout': { text: 'connection timeout', status: 503, flag: 'UF' },
  'connection-termination': { text: 'connection termination', status: 503, flag: 'UC' },
  'local-reset': { text: 'local reset', status: 503, flag: 'LR' },
  'remote-reset': { text: 'remote reset', status: 503, flag: 'UR' },
  'remote-refused': { text: 'remote refused stream reset', status: 503, flag: 'UR' },
  'remote-connect-error': { text: 'remote error with CONNECT request', status: 503, flag: 'UR' },
  'protocol-error': { text: 'protocol error', status: 502, flag: 'UPE' },
  overflow: { text: 'overflow', status: 503, flag: 'UO' },
};

/** Status of the reply for a reset. */
export function failureStatus(reason: ResetReason): number {
  return FAILURES[reason].status;
}

/** Flag of a reset. */
export function failureFlag(reason: ResetReason): ResponseFlag {
  return FAILURES[reason].flag;
}

/**
 * Response code details: `upstream_reset_{before,after}_response_started{<reason>[|<detail>]}`.
 */
export function failureDetails(reason: ResetReason, detail: string, started: boolean): string {
  const text = detail === '' ? FAILURES[reason].text : `${FAILURES[reason].text}|${detail}`;
  const when = started ? 'after' : 'before';
  return `upstream_reset_${when}_response_started{${text.replaceAll(' ', '_')}}`;
}

/** A failure before a response. */
export interface FailureFacts {
  readonly detail: string;
  /** It is not the first attempt that failed. */
  readonly isRetry: boolean;
  /** Router suppress_envoy_headers */
  readonly suppresses: boolean;
}

/** The reply for a reset before the response began. */
export function failureReply(
  reason: ResetReason,
  { detail, isRetry, suppresses }: FailureFacts,
): LocalReply {
  const failure = FAILURES[reason];
  const isOverload = reason === 'overflow' && !suppresses;
  const latest = isRetry ? 'retried and the latest ' : '';
  return {
    status: failure.status,
    body: `upstream connect error or disconnect/reset before headers. ${latest}reset reason: ${failure.text}`,
    details: failureDetails(reason, detail, false),
    flag: failure.flag,
    headers: isOverload ? HeaderList.of('x-envoy-overloaded', 'true') : null,
  };
}
