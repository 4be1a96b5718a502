// Which copies of a route's requests are sent elsewhere, and what their heads are.
import type { FormatContext } from '../formatter/formatter.ts';
import type { HeaderList } from '../http/header-list.ts';
import type { RequestHead } from '../http/message.ts';
import { matchesString } from '../model/match-value.ts';
import type { RouteConfig, RouteTableConfig, VirtualHostConfig } from '../model/route.ts';
import type { StringMatchConfig } from '../model/route-match.ts';
import type { MirrorMutationConfig, MirrorPolicyConfig } from '../model/route-policies.ts';
import { portStart } from './authority.ts';
import { HeaderMutator } from './header-mutator.ts';
import { SINGLE_LINE_IN_REQUESTS } from './single-line-fields.ts';

const PARTS_PER_MILLION = 1_000_000;
const SUFFIX = '-shadow';

type FieldWork = (headers: HeaderList, context: FormatContext) => void;

/** One RequestMirrorPolicy, compiled. */
export class Mirror {
  readonly #config: MirrorPolicyConfig;
  readonly #mutations: readonly FieldWork[];

  constructor(config: MirrorPolicyConfig) {
    this.#config = config;
    this.#mutations = config.mutations.map(fieldWork);
  }

  /** The cluster that gets a copy of this request; '' for none. */
  clusterFor(head: RequestHead, streamRandom: number): string {
    const { fractionPpm, cluster, clusterHeader } = this.#config;
    if (streamRandom % PARTS_PER_MILLION >= fractionPpm) return '';
    return clusterHeader === '' ? cluster : (head.headers.getByName(clusterHeader) ?? '');
  }

  /** Makes the copy's head of a copy of the request's. */
  prepare(head: RequestHead, context: FormatContext): void {
    for (const mutation of this.#mutations) mutation(head.headers, context);
    const { hostRewriteLiteral, appendsShadow } = this.#config;
    if (hostRewriteLiteral !== '') head.authority = hostRewriteLiteral;
    else if (appendsShadow) head.authority = shadowOf(head.authority);
  }
}

/** The mirrors of a route: its own, else its virtual host's, else the table's. */
export function mirrorsOf(
  table: RouteTableConfig,
  virtualHost: VirtualHostConfig,
  { action }: RouteConfig,
): readonly Mirror[] {
  if (action.kind !== 'forward') return [];
  const levels = [action.mirrors, virtualHost.mirrors, table.mirrors];
  return (levels.find(({ length }) => length > 0) ?? []).map((config) => new Mirror(config));
}

function shadowOf(authority: string): string {
  const hostEnd = portStart(authority);
  if (hostEnd === -1) return authority + SUFFIX;
  return authority.slice(0, hostEnd) + SUFFIX + authority.slice(hostEnd);
}

function fieldWork(config: MirrorMutationConfig): FieldWork {
  if (config.kind === 'remove-matching') return (headers) => removeMatching(headers, config.names);
  const mutator = new HeaderMutator(config.fields, SINGLE_LINE_IN_REQUESTS);
  return (headers, context) => mutator.apply(headers, context);
}

function removeMatching(headers: HeaderList, names: StringMatchConfig): void {
  for (let index = headers.length - 1; index >= 0; index -= 1) {
    const name = headers.nameAt(index);
    if (name !== '' && matchesString(names, name)) headers.remove(name);
  }
}
