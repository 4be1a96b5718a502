// The way from a bootstrap file to resources: read, decode, check the rules and what is supported,
// compile for a trial; every problem of every part is reported at once, with its place.
import { createHash } from 'node:crypto';
import {
  type Bootstrap,
  BootstrapSchema,
} from '../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import type { BootstrapConfig } from '../model/bootstrap.ts';
import type { CompileEnvironment } from '../model/extension.ts';
import type { Resource } from '../model/resource.ts';
import { CORE_SUPPORT } from './compile/support/core-support.ts';
import { MergedSources } from './merge-sources.ts';
import { checkDecoded } from './schema/decode-resource.ts';
import type { Problem } from './schema/problems.ts';
import { allSupport } from './schema/support.ts';
import { type ReadSource, SourcePlaces } from './source/places.ts';
import type { LocatedProblem } from './source/report.ts';
import type { SourceText } from './source/source-file.ts';
import { Trial } from './trial.ts';

/** What loading needs from outside. */
export interface LoadOptions
  extends Pick<CompileEnvironment, 'extensions' | 'format' | 'readFile' | 'probeLogFile'> {
  /** `--allow-unknown-static-fields`: unknown fields are warnings. */
  readonly allowUnknownFields: boolean;
}

/** A bootstrap that can be run, or why not; `texts` by file name serve the report. */
export type LoadedBootstrap =
  | {
      readonly ok: true;
      readonly bootstrap: BootstrapConfig;
      /** The bootstrap without its static resources, then clusters, then listeners. */
      readonly resources: readonly Resource[];
      readonly problems: readonly LocatedProblem[];
      readonly texts: ReadonlyMap<string, string>;
      /** Where its parts stand in the texts. */
      readonly places: SourcePlaces;
    }
  | {
      readonly ok: false;
      readonly problems: readonly LocatedProblem[];
      readonly texts: ReadonlyMap<string, string>;
    };

/**
 * Loads a bootstrap from one or more texts: a file, then what is merged over it (`--config-yaml`).
 * Never throws for what the texts hold.
 */
export function loadBootstrap(
  sources: readonly SourceText[],
  options: LoadOptions,
): LoadedBootstrap {
  const merged = new MergedSources(BootstrapSchema, options.allowUnknownFields);
  const message = merged.decode(sources) as Bootstrap;
  const { texts, problems } = merged;
  // Without one of the texts, what is left would have faults that are none.
  if (merged.isIncomplete) return { ok: false, problems, texts };
  const rejected = checkMerged(merged, message, options);
  const trial = new Trial(merged, { rejected, version: versionOf(sources), outside: options });
  const bootstrap = trial.run(message);
  if (merged.failed || bootstrap === null) return { ok: false, problems, texts };
  const places = new SourcePlaces(readSources(sources, texts));
  return { ok: true, bootstrap, resources: trial.resources, problems, texts, places };
}

/** Those that have a text. */
function readSources(
  sources: readonly SourceText[],
  texts: ReadonlyMap<string, string>,
): readonly ReadSource[] {
  return sources.flatMap((source) => {
    const content = texts.get(source.name);
    return content === undefined ? [] : [{ ...source, content }];
  });
}

/** The version of a file's resources: 16 hex digits of a hash of all that they were read from. */
export function versionOf(sources: readonly SourceText[]): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(source.content);
  return hash.digest('hex').slice(0, 16);
}

/** Checks rules and support; answers everything that was refused so far. */
function checkMerged(
  merged: MergedSources,
  message: Bootstrap,
  options: LoadOptions,
): readonly Problem[] {
  const known = { rejections: merged.undecoded, warnings: [] };
  const tables = allSupport(CORE_SUPPORT, options.extensions);
  const checked = checkDecoded(
    { schema: BootstrapSchema, message },
    { support: tables, path: '' },
    known,
  );
  for (const warning of checked.warnings) merged.add('warning', warning);
  if (checked.ok) return [];
  for (const rejection of checked.rejections) {
    if (!merged.undecoded.includes(rejection)) merged.add('error', rejection);
  }
  return checked.rejections;
}
