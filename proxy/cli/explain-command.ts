// `outrigger explain`: what would become of a request, without sending one.
import { ipVersion } from '../base/ip-address.ts';
import { readField, readRequest } from '../explain/dry-request.ts';
import { isRouted } from '../explain/explanation.ts';
import type { FieldLine } from '../explain/head-snapshot.ts';
import { jsonOutput } from '../explain/json-output.ts';
import { renderExplanation } from '../explain/render-explanation.ts';
import { BootstrapSource, reportOf } from '../server/bootstrap-source.ts';
import type { GoodBootstrap } from '../server/configuration.ts';
import { offlineExplainer, offlineMoment } from '../server/explained-configuration.ts';
import { DEFAULT_SERVER_OPTIONS, type ServerOptions } from '../server/options.ts';
import { EXIT_FAILURE, EXIT_NO_ROUTE, EXIT_OK, EXIT_USAGE } from './exit-codes.ts';

/** The command's flags as commander gives them. */
export interface ExplainFlags {
  readonly configPath?: string;
  readonly configYaml?: string;
  readonly allowUnknownStaticFields?: boolean;
  readonly listener?: string;
  readonly header?: readonly string[];
  readonly http2?: boolean;
  readonly client?: string;
  readonly random?: string;
  readonly upstreamStatus?: string;
  readonly upstreamHeader?: readonly string[];
  readonly json?: boolean;
}

const UINT32_MAX = 2 ** 32 - 1;

/** Prints the explanation; the exit status says whether a route was found. */
export function explainRequest(method: string, url: string, flags: ExplainFlags): number {
  const errors: string[] = [];
  const read = readRequest({
    ...{ method, url },
    headers: flags.header ?? [],
    listener: flags.listener ?? '',
    protocol: flags.http2 === true ? 'HTTP/2' : 'HTTP/1.1',
    clientIp: clientOf(flags, errors),
    random: wholeNumber(flags.random ?? '0', { flag: '--random', most: UINT32_MAX }, errors),
    upstream: upstreamOf(flags, errors),
  });
  if (!read.ok) errors.push(...read.errors);
  const { configPath = '', configYaml = '' } = flags;
  if (configPath === '' && configYaml === '') {
    errors.push('no configuration: give a file with -c FILE, or text with --config-yaml TEXT');
  }
  if (!read.ok || errors.length > 0) {
    for (const error of errors) console.error(`error: ${error}`);
    console.error("Try 'outrigger explain --help'.");
    return EXIT_USAGE;
  }
  const allowUnknownStaticFields = flags.allowUnknownStaticFields === true;
  const loaded = loadFor({ configPath, configYaml, allowUnknownStaticFields });
  if (loaded === null) return EXIT_FAILURE;
  const explanation = offlineExplainer(loaded).explain(read.request, offlineMoment());
  const colour = process.stdout.isTTY === true;
  process.stdout.write(
    flags.json === true ? jsonOutput(explanation) : renderExplanation(explanation, { colour }),
  );
  return isRouted(explanation.outcome) ? EXIT_OK : EXIT_NO_ROUTE;
}

/** Loads a configuration; null, and every error printed, when it is refused. */
export function loadFor(
  options: Pick<ServerOptions, 'configPath' | 'configYaml' | 'allowUnknownStaticFields'>,
): GoodBootstrap | null {
  const loaded = new BootstrapSource({ ...DEFAULT_SERVER_OPTIONS, ...options }).load();
  if (loaded.ok) return loaded;
  const colour = process.stderr.isTTY === true;
  process.stderr.write(reportOf(loaded, { colour, warnings: false }));
  return null;
}

function clientOf({ client = '127.0.0.1' }: ExplainFlags, errors: string[]): string {
  if (ipVersion(client) === 0) errors.push(`--client: '${client}' is no IP address`);
  return client;
}

function upstreamOf(flags: ExplainFlags, errors: string[]) {
  const status = { flag: '--upstream-status', most: 599 };
  return {
    status: wholeNumber(flags.upstreamStatus ?? '200', status, errors),
    fields: (flags.upstreamHeader ?? []).flatMap((text): readonly FieldLine[] =>
      readField(text, errors),
    ),
  };
}

function wholeNumber(
  text: string,
  limits: { readonly flag: string; readonly most: number },
  errors: string[],
): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number <= limits.most) return number;
  errors.push(`${limits.flag}: '${text}' is not a whole number from 0 to ${limits.most}`);
  return 0;
}
