// Runs the tests of a file against a configuration.

import type { Origin } from '../configuration.ts';
import { readRequest } from '../dry-request.ts';
import type { Explainer, Moment } from '../explainer.ts';
import type { Explanation } from '../explanation.ts';
import { checkExpectation, type Difference } from './check-expectation.ts';
import { type RouteCoverage, routeCoverage } from './route-coverage.ts';
import type { RouteTest, RouteTestFile } from './route-test.ts';

/** An expectation that was not met. */
export interface FailedExpectation extends Difference {
  readonly key: string;
  readonly origin: Origin;
}

/** What came of one test. */
export interface TestResult {
  readonly name: string;
  readonly origin: Origin;
  readonly request: { readonly method: string; readonly url: string };
  readonly passed: boolean;
  readonly failures: readonly FailedExpectation[];
  /** One line. */
  readonly outcome: string;
  /** The route that was found; null: none. */
  readonly route: { readonly name: string; readonly origin: Origin } | null;
}

/** What came of a file. */
export interface TestReport {
  readonly file: string;
  readonly config: string;
  readonly passed: number;
  readonly failed: number;
  readonly results: readonly TestResult[];
  readonly coverage: RouteCoverage;
}

/** `config`: the name of the configuration, for the report. */
export function runRouteTests(
  file: RouteTestFile,
  explainer: Explainer,
  place: { readonly config: string; readonly moment: Moment },
): TestReport {
  const results = file.tests.map((test) => runTest(test, explainer, place.moment));
  const reached = new Set(results.flatMap(({ route }) => route?.origin.path ?? []));
  const passed = results.filter((result) => result.passed).length;
  return {
    ...{ file: file.name, config: place.config },
    ...{ passed, failed: results.length - passed, results },
    coverage: routeCoverage(explainer.configuration, reached),
  };
}

function runTest(test: RouteTest, explainer: Explainer, moment: Moment): TestResult {
  const read = readRequest(test.request);
  // Whoever read the file refuses such requests.
  if (!read.ok) throw new Error(read.errors.join('; '));
  const explanation = explainer.explain(read.request, moment);
  const failures = failuresOf(test, explanation);
  const { method, url } = test.request;
  return {
    ...{ name: test.name, origin: test.origin, request: { method, url } },
    ...{ passed: failures.length === 0, failures },
    outcome: explanation.outcome.summary,
    route: explanation.http?.route ?? null,
  };
}

function failuresOf(test: RouteTest, explanation: Explanation): readonly FailedExpectation[] {
  return test.expectations.flatMap((expectation) => {
    const difference = checkExpectation(expectation, explanation);
    const { key, origin } = expectation;
    return difference === null ? [] : [{ key, origin, ...difference }];
  });
}
