// Two looks at a proxy with one good cluster, one in trouble and one that nobody uses.
import type { ScriptedCluster } from './scripted-admin.ts';

/** Ten seconds lie between them. */
export const LOOKS: readonly (readonly ScriptedCluster[])[] = [look(0), look(1)];

function look(turn: number): readonly ScriptedCluster[] {
  return [
    {
      name: 'reviews',
      hosts: [
        host('10.0.0.1', {
          cx_active: 3,
          rq_total: 500 + 4000 * turn,
          rq_success: 500 + 4000 * turn,
        }),
        host('10.0.0.2', {
          cx_active: 2,
          rq_total: 500 + 4010 * turn,
          rq_success: 500 + 4010 * turn,
        }),
      ],
      stats: {
        ...{ upstream_rq_total: 1000 + 8010 * turn, upstream_rq_completed: 1000 + 8010 * turn },
        ...{ upstream_cx_active: 5, upstream_rq_active: 4 },
      },
      latency: [
        [1, 0.1, 100 + 6000 * turn],
        [3, 0.1, 900 + 2000 * turn],
        [250, 10, 10 * turn],
      ],
    },
    {
      name: 'ratings-with-a-rather-long-name',
      hosts: [
        host('10.0.1.1', {
          cx_active: 1,
          rq_total: 90 * turn,
          rq_success: 60 * turn,
          rq_error: 30 * turn,
        }),
        {
          ...host('10.0.1.2', {}),
          ill: ['failed_active_health_check', 'failed_outlier_check'],
        },
      ],
      stats: {
        ...{ upstream_rq_total: 90 * turn, upstream_rq_completed: 90 * turn },
        ...{ upstream_rq_5xx: 30 * turn, upstream_rq_retry: 25 * turn, upstream_cx_active: 1 },
        ...{ upstream_rq_active: 1, upstream_rq_pending_active: 12 },
        ...{ 'outlier_detection.ejections_active': 1 },
        ...{ 'circuit_breakers.default.rq_open': 1, 'circuit_breakers.high.cx_open': 1 },
      },
      latency: [[20, 1, 90 * turn]],
    },
    { name: 'idle', hosts: [host('::1', {})] },
  ];
}

function host(address: string, stats: Readonly<Record<string, number>>) {
  return { address, port: 8080, stats };
}
