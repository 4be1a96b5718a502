// Where a file's configuration comes from: the bootstrap file and what the command line lays over
// it, read as often as somebody asks.
import { readFileSync } from 'node:fs';
import { type LoadedBootstrap, loadBootstrap, versionOf } from '../config/load.ts';
import { type LocatedProblem, renderProblems } from '../config/source/report.ts';
import type { SourceText } from '../config/source/source-file.ts';
import { EXTENSIONS } from '../filters/extensions.ts';
import { compileEnvironment } from './compiler.ts';
import type { ServerOptions } from './options.ts';

/** Names of configuration that is no file, as reports show them. */
const COMMAND_LINE_YAML = '--config-yaml';
const COMMAND_LINE_NODE = 'command-line.json';

/** The options that say where it is. */
export type BootstrapOptions = Pick<
  ServerOptions,
  | 'configPath'
  | 'configYaml'
  | 'serviceCluster'
  | 'serviceNode'
  | 'serviceZone'
  | 'allowUnknownStaticFields'
>;

/** Reads the bootstrap that a command line describes. */
export class BootstrapSource {
  readonly #options: BootstrapOptions;

  constructor(options: BootstrapOptions) {
    this.#options = options;
  }

  /** What the report calls the configuration. */
  get name(): string {
    return this.#options.configPath === '' ? COMMAND_LINE_YAML : this.#options.configPath;
  }

  /** Of what `load` would read now; '' when it cannot be read. */
  version(): string {
    const sources = this.#read();
    return typeof sources === 'string' ? '' : versionOf(sources);
  }

  /** Reads, decodes, checks and compiles everything; nothing is thrown for what files hold. */
  load(): LoadedBootstrap {
    const sources = this.#read();
    if (typeof sources === 'string') return unreadable(this.#options.configPath, sources);
    const environment = compileEnvironment(new Map(), null);
    return loadBootstrap(sources, {
      extensions: EXTENSIONS,
      readFile: environment.readFile,
      probeLogFile: environment.probeLogFile,
      format: environment.format,
      allowUnknownFields: this.#options.allowUnknownStaticFields,
    });
  }

  /** All texts in the order in which they are merged, or why the file cannot be read. */
  #read(): readonly SourceText[] | string {
    const sources: SourceText[] = [];
    const { configPath, configYaml } = this.#options;
    if (configPath !== '') {
      const content = readBytes(configPath);
      if (typeof content === 'string') return content;
      sources.push({ name: configPath, content });
    }
    if (configYaml !== '')
      sources.push({ name: COMMAND_LINE_YAML, format: 'yaml', content: configYaml });
    const node = this.#node();
    if (node !== null) sources.push({ name: COMMAND_LINE_NODE, content: node });
    return sources;
  }

  /** `--service-cluster`, `--service-node` and `--service-zone` as a bootstrap of their own. */
  #node(): string | null {
    const { serviceCluster, serviceNode, serviceZone } = this.#options;
    const node: Record<string, unknown> = {};
    if (serviceCluster !== '') node['cluster'] = serviceCluster;
    if (serviceNode !== '') node['id'] = serviceNode;
    if (serviceZone !== '') node['locality'] = { zone: serviceZone };
    return Object.keys(node).length === 0 ? null : JSON.stringify({ node });
  }
}

/** Problems as text with the lines around them; '' when there is none of that severity or worse. */
export function reportOf(
  loaded: Pick<LoadedBootstrap, 'problems' | 'texts'>,
  options: { readonly colour: boolean; readonly warnings: boolean },
): string {
  const problems = options.warnings
    ? loaded.problems
    : loaded.problems.filter(({ severity }) => severity === 'error');
  return renderProblems(problems, { colour: options.colour, texts: loaded.texts });
}

/** The file's content, or why there is none. */
function readBytes(path: string): Uint8Array | string {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'there is no such file';
    if (code === 'EACCES') return 'the file may not be read by this user';
    if (code === 'EISDIR') return 'this is a directory';
    return `the file cannot be read: ${code ?? String(error)}`;
  }
}

function unreadable(file: string, reason: string): LoadedBootstrap {
  const problem: LocatedProblem = {
    severity: 'error',
    file,
    line: 0,
    column: 0,
    length: 0,
    path: '',
    reason,
  };
  return { ok: false, problems: [problem], texts: new Map() };
}
