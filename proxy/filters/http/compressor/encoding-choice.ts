// Which of the compressors of a chain gets a response: decided once a stream, by the client's
// Accept-Encoding and by what each of them would compress.
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { CompressorConfig } from './compressor-config.ts';
import { allowsType } from './content-rules.ts';

/** What came of Accept-Encoding, as statistics count it. */
export type EncodingVerdict = 'compressor' | 'identity' | 'wildcard' | 'not-valid';

/** The content coding that the response is to have. */
export interface EncodingChoice {
  readonly coding: string;
  readonly verdict: EncodingVerdict;
}

/** The compressors of one stream, in the order of the chain. */
class StreamCompressors {
  readonly configs: CompressorConfig[] = [];
  choice: EncodingChoice | null = null;
}

const NOT_VALID: EncodingChoice = { coding: 'identity', verdict: 'not-valid' };
const IDENTITY: EncodingChoice = { coding: 'identity', verdict: 'identity' };

/** By stream: filters of one chain do not see each other otherwise. */
const COMPRESSORS = new WeakMap<StreamInfo, StreamCompressors>();

/** A compressor takes part; called in the order of the chain. */
export function joinCompressors(info: StreamInfo, config: CompressorConfig): void {
  const known = COMPRESSORS.get(info);
  if (known !== undefined) {
    known.configs.push(config);
    return;
  }
  const compressors = new StreamCompressors();
  compressors.configs.push(config);
  COMPRESSORS.set(info, compressors);
}

/** The choice for this stream, the same for all its compressors. */
export function encodingChoice(
  info: StreamInfo,
  acceptEncoding: string,
  contentType: string,
): EncodingChoice {
  const compressors = COMPRESSORS.get(info);
  if (compressors === undefined) return NOT_VALID;
  compressors.choice ??= chooseEncoding(compressors.configs, acceptEncoding, contentType);
  return compressors.choice;
}

/** An element of Accept-Encoding. */
interface Accepted {
  readonly coding: string;
  readonly quality: number;
}

/** The coding with the highest quality; of equal ones the first of the list, or who asks for it. */
export function chooseEncoding(
  configs: readonly CompressorConfig[],
  acceptEncoding: string,
  contentType: string,
): EncodingChoice {
  const accepted = parseAcceptEncoding(acceptEncoding);
  const offered = offeredCodings(configs, contentType);
  for (const { coding, quality } of accepted) if (quality === 0) offered.delete(coding);
  if (accepted.length === 0 || offered.size === 0) return NOT_VALID;
  const best = bestOf(accepted, offered);
  if (best.quality === 0) return NOT_VALID;
  if (best.coding === 'identity') return IDENTITY;
  if (best.coding !== '*') return { coding: best.coding, verdict: 'compressor' };
  return { coding: offered.keys().next().value as string, verdict: 'wildcard' };
}

function bestOf(
  accepted: readonly Accepted[],
  offered: ReadonlyMap<string, CompressorConfig>,
): Accepted {
  let best: Accepted = { coding: 'identity', quality: 0 };
  for (const each of accepted) {
    const { coding, quality } = each;
    if (!offered.has(coding) && coding !== 'identity' && coding !== '*') continue;
    const winsTie = quality === best.quality && offered.get(coding)?.chooseFirst === true;
    if (quality > best.quality || winsTie) best = each;
  }
  return best;
}

/** The first compressor of each coding that may compress this type, in the order of the chain. */
function offeredCodings(
  configs: readonly CompressorConfig[],
  contentType: string,
): Map<string, CompressorConfig> {
  const offered = new Map<string, CompressorConfig>();
  for (const config of configs) {
    if (contentType !== '' && !allowsType(config.response, contentType)) continue;
    const { coding } = config;
    if (!offered.has(coding)) offered.set(coding, config);
  }
  return offered;
}

function parseAcceptEncoding(value: string): readonly Accepted[] {
  const accepted: Accepted[] = [];
  for (const element of value.split(',')) {
    if (element === '') continue;
    const [coding = '', parameters = ''] = splitOnce(element, ';');
    const [name, text] = splitOnce(parameters, '=');
    if (text === null || name.trim().toLowerCase() !== 'q') {
      accepted.push({ coding: coding.trim(), quality: 1 });
      continue;
    }
    const quality = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isNaN(quality)) accepted.push({ coding: coding.trim(), quality });
  }
  return accepted;
}

/** The text before and behind the first `separator`; null: there is none. */
function splitOnce(text: string | null, separator: string): readonly [string, string | null] {
  const at = text?.indexOf(separator) ?? -1;
  if (text === null || at === -1) return [text ?? '', null];
  return [text.slice(0, at), text.slice(at + 1)];
}
