// `outrigger test`: requests and what is expected of them, checked without traffic.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { renderProblems } from '../config/source/report.ts';
import { percentText } from '../explain/duration-text.ts';
import { jsonOutput } from '../explain/json-output.ts';
import { readTestFile } from '../explain/route-tests/read-test-file.ts';
import { renderReport } from '../explain/route-tests/render-report.ts';
import type { RouteTestFile } from '../explain/route-tests/route-test.ts';
import { runRouteTests, type TestReport } from '../explain/route-tests/run-route-tests.ts';
import { offlineExplainer, offlineMoment } from '../server/explained-configuration.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNREADABLE, EXIT_USAGE } from './exit-codes.ts';
import { loadFor } from './explain-command.ts';

/** The command's flags as commander gives them. */
export interface TestFlags {
  /** Instead of what the files say. */
  readonly configPath?: string;
  readonly minCoverage?: string;
  readonly allowUnknownStaticFields?: boolean;
  readonly json?: boolean;
}

/** Runs every file; the exit status is the worst of all. */
export function testFiles(files: readonly string[], flags: TestFlags): number {
  const least = Number(flags.minCoverage ?? '0');
  if (!/^\d+(?:\.\d+)?$/.test(flags.minCoverage ?? '0') || least > 100) {
    console.error(`error: --min-coverage: '${flags.minCoverage}' is not a number from 0 to 100`);
    return EXIT_USAGE;
  }
  const reports: TestReport[] = [];
  let exitCode = EXIT_OK;
  for (const name of files) {
    const report = testFile(name, flags);
    if (report === null) {
      exitCode = EXIT_UNREADABLE;
      continue;
    }
    reports.push(report);
    if (!passes(report, least, flags) && exitCode === EXIT_OK) exitCode = EXIT_FAILURE;
  }
  if (flags.json === true) process.stdout.write(jsonOutput({ files: reports }));
  return exitCode;
}

/** null, and the reason printed: there is nothing to test. */
function testFile(name: string, flags: TestFlags): TestReport | null {
  const file = readFile(name);
  if (file === null) return null;
  const own = file.config === '' ? '' : relative('', resolve(dirname(name), file.config));
  const config = flags.configPath ?? own;
  if (config === '') {
    console.error(`${name}: error: no configuration: write 'config: FILE' in it, or give -c FILE`);
    return null;
  }
  const allowUnknownStaticFields = flags.allowUnknownStaticFields === true;
  const loaded = loadFor({ configPath: config, configYaml: '', allowUnknownStaticFields });
  if (loaded === null) return null;
  return runRouteTests(file, offlineExplainer(loaded), { config, moment: offlineMoment() });
}

function readFile(name: string): RouteTestFile | null {
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    console.error(`${name}: error: the file cannot be read: ${(error as Error).message}`);
    return null;
  }
  const read = readTestFile(name, text);
  if (read.ok) return read.file;
  const colour = process.stderr.isTTY === true;
  process.stderr.write(renderProblems(read.problems, { colour, texts: new Map([[name, text]]) }));
  return null;
}

function passes(report: TestReport, least: number, flags: TestFlags): boolean {
  const colour = process.stdout.isTTY === true;
  if (flags.json !== true) process.stdout.write(renderReport(report, { colour }));
  const { percent } = report.coverage;
  if (percent < least) {
    const text = `${percentText(percent)} of the routes are reached, ${percentText(least)} are wanted`;
    console.error(`${report.file}: error: ${text}`);
  }
  return report.failed === 0 && percent >= least;
}
