// A file of resources: a DiscoveryResponse in YAML, JSON or binary form (core.v3.PathConfigSource).
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { MergedSources } from './merge-sources.ts';
import { renderProblems } from './source/report.ts';
import type { SourceText } from './source/source-file.ts';

/** What the file says, or every reason why it cannot be used, with its places. */
export type DiscoveryFile =
  | { readonly ok: true; readonly version: string; readonly resources: readonly Any[] }
  | { readonly ok: false; readonly report: string };

/** Reads a file of resources; never throws for what it holds. */
export function readDiscoveryFile(source: SourceText): DiscoveryFile {
  const merged = new MergedSources(DiscoveryResponseSchema, false);
  const message = merged.decode([source]) as DiscoveryResponse;
  if (merged.failed || merged.isIncomplete) {
    const { problems, texts } = merged;
    return { ok: false, report: renderProblems(problems, { colour: false, texts }) };
  }
  return { ok: true, version: message.versionInfo, resources: message.resources };
}
