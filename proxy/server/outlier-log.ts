// The event log of outlier detection: one line of JSON for each ejection and return, as Envoy prints
// data.cluster.v3.OutlierDetectionEvent.
import type { LogFile } from '../accesslog/log-file.ts';
import type { OutlierEvent } from '../upstream/outlier/outlier-detector.ts';
import type { OutlierEventSink } from '../upstream/outlier/watched-cluster.ts';

const MS_PER_SECOND = 1000;

/** Writes to a file; null: nobody asked for a log (OutlierDetection.event_log_path). */
export class OutlierLog implements OutlierEventSink {
  readonly #file: LogFile | null;
  readonly #wallMs: () => number;

  constructor(file: LogFile | null, wallMs: () => number) {
    this.#file = file;
    this.#wallMs = wallMs;
  }

  onOutlierEvent(cluster: string, event: OutlierEvent): void {
    if (this.#file === null) return;
    const line = `${JSON.stringify(eventJson(cluster, event, this.#wallMs()))}\n`;
    this.#file.append(Buffer.from(line).toString('latin1'));
  }
}

/** The members in the order of the message's fields, defaults included. */
export function eventJson(cluster: string, event: OutlierEvent, wallMs: number): object {
  const { type, host, action, enforced, msSinceLastAction } = event;
  const secs = msSinceLastAction === null ? -1 : Math.floor(msSinceLastAction / MS_PER_SECOND);
  return {
    type,
    timestamp: new Date(wallMs).toISOString().replace('.000Z', 'Z'),
    ...(secs < 0 ? {} : { secs_since_last_action: String(secs) }),
    cluster_name: cluster,
    upstream_url: host.address,
    action,
    num_ejections: host.ejections,
    enforced,
    ...(action === 'EJECT' ? reasonJson(event) : {}),
  };
}

function reasonJson({ type, rates }: OutlierEvent): object {
  if (rates === null) return { eject_consecutive_event: {} };
  const host = { host_success_rate: wholePercent(rates.host) };
  if (type === 'FAILURE_PERCENTAGE' || type === 'FAILURE_PERCENTAGE_LOCAL_ORIGIN') {
    return { eject_failure_percentage_event: host };
  }
  const cluster = {
    cluster_average_success_rate: wholePercent(rates.average),
    cluster_success_rate_ejection_threshold: wholePercent(rates.threshold),
  };
  return { eject_success_rate_event: { ...host, ...cluster } };
}

/** The message has whole numbers, from 0. */
function wholePercent(percent: number): number {
  return Math.max(0, Math.trunc(percent));
}
