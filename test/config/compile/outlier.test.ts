import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { OutlierDetectionSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/outlier_detection_pb.js';
import { compileOutlierDetection } from '../../../proxy/config/compile/outlier.ts';
import type { OutlierConfig } from '../../../proxy/model/outlier.ts';
import { compileJson, problemLines, testEnvironment } from '../../support/compile-json.ts';
import { outlierConfig } from '../../support/outlier-config.ts';

type Json = { [key: string]: JsonValue };

function compile(json: Json, runtime: readonly (readonly [string, number])[] = []) {
  const environment = testEnvironment({ runtime: new Map(runtime) });
  return compileJson({ schema: OutlierDetectionSchema, json, environment }, (message, context) =>
    compileOutlierDetection(message, context),
  );
}

function detection(json: Json, runtime?: readonly (readonly [string, number])[]): OutlierConfig {
  const { value, rejections } = compile(json, runtime);
  t.same(problemLines(rejections), []);
  if (value === null) throw new Error('refused');
  return value;
}

t.test('an empty message asks for Envoy’s defaults', async (t) => {
  t.same(detection({}), outlierConfig({ maxEjectionPercent: 10 }));
});

t.test('every field has its place', async (t) => {
  const written = detection({
    ...{ consecutive_5xx: 1, consecutive_gateway_failure: 2, consecutive_local_origin_failure: 3 },
    ...{ interval: '4s', base_ejection_time: '5s', max_ejection_time: '6s' },
    ...{ max_ejection_time_jitter: '0.007s', max_ejection_percent: 8, always_eject_one_host: true },
    ...{ success_rate_minimum_hosts: 9, success_rate_request_volume: 10 },
    ...{ success_rate_stdev_factor: 11, failure_percentage_threshold: 12 },
    ...{ failure_percentage_minimum_hosts: 13, failure_percentage_request_volume: 14 },
    ...{ split_external_local_origin_errors: true, enforcing_consecutive_5xx: 15 },
    ...{ enforcing_consecutive_gateway_failure: 16, enforcing_success_rate: 17 },
    ...{ enforcing_consecutive_local_origin_failure: 18, enforcing_failure_percentage: 19 },
    ...{ enforcing_local_origin_success_rate: 20, detect_degraded_hosts: true },
    ...{ enforcing_failure_percentage_local_origin: 21 },
    successful_active_health_check_uneject_host: false,
  });
  t.same(written, {
    ...{ consecutive5xx: 1, consecutiveGatewayFailure: 2, consecutiveLocalOriginFailure: 3 },
    ...{ intervalMs: 4000, baseEjectionTimeMs: 5000, maxEjectionTimeMs: 6000 },
    ...{ maxEjectionTimeJitterMs: 7, maxEjectionPercent: 8, alwaysEjectOneHost: true },
    ...{ successRateMinimumHosts: 9, successRateRequestVolume: 10, successRateStdevFactor: 11 },
    ...{ failurePercentageThreshold: 12, failurePercentageMinimumHosts: 13 },
    ...{ failurePercentageRequestVolume: 14, splitsLocalOrigin: true, detectsDegraded: true },
    successfulCheckUnejects: false,
    enforcing: {
      ...{ CONSECUTIVE_5XX: 15, CONSECUTIVE_GATEWAY_FAILURE: 16, SUCCESS_RATE: 17 },
      ...{ CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 18, FAILURE_PERCENTAGE: 19 },
      ...{ SUCCESS_RATE_LOCAL_ORIGIN: 20, FAILURE_PERCENTAGE_LOCAL_ORIGIN: 21 },
    },
  });
});

t.test('the longest ejection is no shorter than the first', async (t) => {
  t.equal(detection({ base_ejection_time: '400s' }).maxEjectionTimeMs, 400_000);
  const { value, rejections } = compile({ base_ejection_time: '2s', max_ejection_time: '1s' });
  t.equal(value === null || rejections.length > 0, true);
  t.match(problemLines(rejections), [
    'max_ejection_time: outlier detector: max_ejection_time cannot be smaller than base_ejection_time: 1000 ms is less than 2000 ms',
  ]);
});

t.test('runtime keys go before fields', async (t) => {
  const { consecutive5xx, intervalMs, enforcing } = detection({ consecutive_5xx: 1 }, [
    ['outlier_detection.consecutive_5xx', 7],
    ['outlier_detection.interval_ms', 50],
    ['outlier_detection.enforcing_success_rate', 0],
  ]);
  t.same([consecutive5xx, intervalMs, enforcing.SUCCESS_RATE], [7, 50, 0]);
});

t.test('a cluster without the message has no detection', async (t) => {
  const { value } = compileJson(
    { schema: OutlierDetectionSchema, json: {}, environment: testEnvironment() },
    (_, context) => compileOutlierDetection(undefined, context),
  );
  t.equal(value, null);
});
