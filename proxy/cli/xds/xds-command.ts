// `outrigger xds`: serves a folder of resources to whoever asks, and says what becomes of them.
import { hostname } from 'node:os';
import { renderProblems } from '../../config/source/report.ts';
import type { Client, Interest } from '../../discovery-server/client.ts';
import { DiscoveryServer } from '../../discovery-server/discovery-server.ts';
import { openGrpcFront } from '../../discovery-server/grpc-front.ts';
import { type FolderContent, ResourceFolder } from '../../discovery-server/resource-folder.ts';
import { openRestFront } from '../../discovery-server/rest-front.ts';
import { LayeredViews } from '../../discovery-server/views.ts';
import { DirectoryWatch } from '../../server/directory-watch.ts';
import { SYSTEM_CLOCK } from '../../server/system-clock.ts';
import { grpcLibrary } from '../../xds/libraries.ts';
import { resourceType } from '../../xds/resource-types.ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from '../exit-codes.ts';
import { makeCheck } from './check-served.ts';
import { EventLines } from './event-lines.ts';
import { terminalOutlets } from './on-terminal.ts';
import { SeveralObservers } from './several-observers.ts';
import { readXdsFlags, type XdsFlags, type XdsOptions } from './xds-flags.ts';
import type { XdsOutlets } from './xds-outlets.ts';

/** Serves until a signal comes. */
export async function runXds(folder: string, flags: XdsFlags): Promise<number> {
  // What goes wrong is said in our own words.
  grpcLibrary().setLogVerbosity(grpcLibrary().logVerbosity.NONE);
  const isDrawn = process.stdout.isTTY === true && flags.json !== true && flags.lines !== true;
  const plain: XdsOutlets = {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (text) => process.stderr.write(text),
    colour: process.stdout.isTTY === true,
    observer: null,
    untilStopped: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      }),
  };
  return serveFolder(folder, flags, isDrawn ? terminalOutlets(plain) : plain);
}

/** The command itself; answers its exit status. */
export async function serveFolder(
  folder: string,
  flags: XdsFlags,
  outlets: XdsOutlets,
): Promise<number> {
  const read = readXdsFlags(folder, flags);
  if (!read.ok) {
    for (const error of read.errors) outlets.err(`error: ${error}\n`);
    outlets.err("Try 'outrigger xds --help'.\n");
    return EXIT_USAGE;
  }
  const { options } = read;
  const resources = new ResourceFolder({
    path: folder,
    check: makeCheck(options.check),
    watch: (directory, onChange) => new DirectoryWatch(directory, FOLDER_LOG(outlets), onChange),
  });
  let content: FolderContent;
  try {
    content = await resources.read();
  } catch (error) {
    outlets.err(`error: ${folder}: ${whyUnreadable(error as NodeJS.ErrnoException)}\n`);
    resources.close();
    return EXIT_FAILURE;
  }
  const reports = new Reports(outlets);
  reports.tell(content);
  const code = options.isDryRun
    ? dryRun(content, outlets)
    : await serve({ options, outlets, resources, reports }, content);
  resources.close();
  return code;
}

/** What a folder's watch complains of. */
const FOLDER_LOG = ({ err }: XdsOutlets) => ({
  enabled: () => true,
  log: (_level: string, message: string) => err(`${message}\n`),
});

function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such folder';
  return code === 'ENOTDIR' ? 'it is no folder' : message;
}

function dryRun(content: FolderContent, { out }: XdsOutlets): number {
  if (content.refused.length > 0) return EXIT_FAILURE;
  out(`${contentText(content)}: OK`);
  return EXIT_OK;
}

interface Serving {
  readonly options: XdsOptions;
  readonly outlets: XdsOutlets;
  readonly resources: ResourceFolder;
  readonly reports: Reports;
}

async function serve(
  { options, outlets, resources, reports }: Serving,
  first: FolderContent,
): Promise<number> {
  const { isJson } = options;
  const { colour, err, out } = outlets;
  const missing = (client: Client, interest: Interest): readonly string[] =>
    missingOf(server, client, interest);
  const now = () => SYSTEM_CLOCK.wallMs();
  const lines = new EventLines({ write: out, isJson, colour, now, missing });
  const drawn = outlets.observer;
  const observer = drawn === null ? lines : new SeveralObservers([lines, drawn]);
  const server: DiscoveryServer = new DiscoveryServer(new LayeredViews(first.layers), {
    observer,
    nowMs: () => SYSTEM_CLOCK.nowMs(),
    identifier: `outrigger@${hostname()}`,
  });
  const opened = await openFronts(server, options);
  if (!opened.ok) {
    err(`error: ${opened.error}\n`);
    return EXIT_FAILURE;
  }
  out(
    isJson
      ? JSON.stringify({ event: 'serving', ...opened.ports })
      : `serving ${contentText(first)} on ${opened.places.join(' and ')}`,
  );
  resources.watch((content) => {
    if (!reports.tell(content)) return;
    server.publish(new LayeredViews(content.layers));
    if (!isJson) out(`serving ${contentText(content)} from now on`);
  });
  await outlets.untilStopped();
  resources.close();
  await opened.close();
  return EXIT_OK;
}

type Opened =
  | {
      readonly ok: true;
      readonly places: readonly string[];
      readonly ports: { readonly port: number; readonly rest_port: number };
      close(): Promise<void>;
    }
  | { readonly ok: false; readonly error: string };

async function openFronts(
  server: DiscoveryServer,
  { rest, target, tls }: XdsOptions,
): Promise<Opened> {
  try {
    const front = await openGrpcFront(server, { target, tls });
    const place = target.startsWith('unix:') ? target : target.replace(/\d+$/, `${front.port}`);
    const ports = { port: front.port, rest_port: 0 };
    if (rest === null) return { ok: true, places: [place], ports, close: front.close };
    const polls = await openRestFront(server, rest);
    return {
      ok: true,
      places: [place, `http://${rest.host}:${polls.port}`],
      ports: { ...ports, rest_port: polls.port },
      close: async () => void (await Promise.all([front.close(), polls.close()])),
    };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Of what a client asks for, what there is not. */
function missingOf(
  server: DiscoveryServer,
  { node }: Client,
  { names, typeUrl }: Interest,
): readonly string[] {
  const there = server.snapshotOf(node).get(typeUrl)?.resources;
  return [...names].filter((name) => there?.has(name) !== true);
}

/** `12 resources of 4 files (CDS 3, EDS 3)` */
function contentText({ fileCount, layers }: FolderContent): string {
  const { all, byCluster, byNode } = layers;
  const resources = [...all, ...[...byCluster.values(), ...byNode.values()].flat()];
  const counts = new Map<string, number>();
  for (const { typeUrl } of resources) counts.set(typeUrl, (counts.get(typeUrl) ?? 0) + 1);
  const kinds = [...counts].map(
    ([typeUrl, count]) => `${resourceType(typeUrl).shortName} ${count}`,
  );
  const detail = kinds.length === 0 ? '' : ` (${kinds.sort().join(', ')})`;
  const files = fileCount === 1 ? '1 file' : `${fileCount} files`;
  const what = resources.length === 1 ? '1 resource' : `${resources.length} resources`;
  return `${what} of ${files}${detail}`;
}

/** Says what is wrong with the folder, each time something else is. */
class Reports {
  readonly #outlets: XdsOutlets;
  #last = '';
  #lastVersions = '';

  constructor(outlets: XdsOutlets) {
    this.#outlets = outlets;
  }

  /** True when something else is served than the last time. */
  tell({ layers, problems, refused, texts }: FolderContent): boolean {
    const { colour, err } = this.#outlets;
    const report = renderProblems(problems, { colour, texts });
    if (report !== this.#last) {
      err(report);
      for (const { file, served } of refused) {
        const rest = served === 0 ? 'nothing of it is served' : 'it is served as it was before';
        err(`${file} is refused: ${rest}\n`);
      }
    }
    this.#last = report;
    const versions = JSON.stringify([
      layers.all.map(identity),
      [...layers.byCluster].map(([name, ofIt]) => [name, ofIt.map(identity)]),
      [...layers.byNode].map(([name, ofIt]) => [name, ofIt.map(identity)]),
    ]);
    const isNew = versions !== this.#lastVersions;
    this.#lastVersions = versions;
    return isNew;
  }
}

function identity({
  name,
  typeUrl,
  version,
}: {
  readonly name: string;
  readonly typeUrl: string;
  readonly version: string;
}): string {
  return `${typeUrl} ${name} ${version}`;
}
