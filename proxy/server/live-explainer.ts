// Explanations of the configuration that serves now, with the hosts that workers know.
import type { ExplainAnswer, ExplainQuestion } from '../admin/backend.ts';
import type { ClusterStatus } from '../admin/status.ts';
import { readRequest } from '../explain/dry-request.ts';
import { Explainer, type Moment } from '../explain/explainer.ts';
import { jsonOutput } from '../explain/json-output.ts';
import { renderExplanation } from '../explain/render-explanation.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import type { GoodBootstrap } from './configuration.ts';
import type { PrimaryDiscovery } from './discovery/primary-discovery.ts';
import { localIp } from './host-facts.ts';
import type { ServerOptions } from './options.ts';
import {
  endpointsOrigin,
  type ServingSource,
  servingConfiguration,
} from './serving-configuration.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** What is explained. */
export interface ExplainedSource extends ServingSource {
  readonly discovery: PrimaryDiscovery;
}

/** One per admin interface. Route tables are built with the first question about a configuration. */
export class LiveExplainer {
  readonly #source: ExplainedSource;
  readonly #family: ServerOptions['localAddressFamily'];
  #loaded: GoodBootstrap | null = null;
  #revision = -1;
  #explainer: Explainer | null = null;

  constructor(source: ExplainedSource, family: ServerOptions['localAddressFamily']) {
    this.#source = source;
    this.#family = family;
  }

  /** `statuses`: the hosts as workers see them. */
  explain(question: ExplainQuestion, statuses: readonly ClusterStatus[]): ExplainAnswer {
    const { method, url, headers, listener, isHttp2, client, random } = question;
    const protocol = isHttp2 ? 'HTTP/2' : 'HTTP/1.1';
    const read = readRequest({
      method,
      url,
      headers,
      listener,
      protocol,
      clientIp: client,
      random,
    });
    if (!read.ok) return read;
    const explainer = this.#current();
    const moment = momentOf(explainer, statuses, this.#source);
    const explanation = explainer.explain(read.request, moment);
    const text = renderExplanation(explanation, { colour: false });
    return { ok: true, text, json: jsonOutput(explanation) };
  }

  #current(): Explainer {
    const { loaded, store } = this.#source.configuration;
    const { revision } = store;
    if (this.#explainer === null || this.#loaded !== loaded || this.#revision !== revision) {
      this.#loaded = loaded;
      this.#revision = revision;
      const explained = servingConfiguration(this.#source);
      this.#explainer = new Explainer(explained, localIp(this.#family));
    }
    return this.#explainer;
  }
}

function momentOf(
  explainer: Explainer,
  statuses: readonly ClusterStatus[],
  { configuration, discovery: { eds } }: ExplainedSource,
): Moment {
  const assigned = eds.endpoints();
  const origins = new Map(eds.inUse().map((each) => [each.cluster, each.assignment]));
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const resolved = explainer.configuration.clusters.flatMap(({ config }) => {
    const told = assigned.get(config.name);
    if (told !== undefined) return [[config.name, told] as const];
    const status = byName.get(config.name);
    return status === undefined ? [] : [[config.name, endpointsOf(config, status)] as const];
  });
  return {
    wallMs: SYSTEM_CLOCK.wallMs(),
    live: (name) => byName.get(name)?.hosts ?? null,
    resolved: new Map(resolved),
    policies: eds.policies(),
    endpointsFrom: (name) => {
      const source = configuration.cluster(name)?.eds?.source;
      const assignment = origins.get(name);
      if (source === undefined || assignment === undefined) return null;
      const { config, version } = assignment;
      return endpointsOrigin(configuration, { name: config.serviceName, version, source });
    },
  };
}

/** Hosts that were found by name belong to the endpoint of that name. */
function endpointsOf(config: ClusterConfig, { hosts }: ClusterStatus): readonly ResolvedEndpoint[] {
  return hosts.flatMap(({ address, hostname, priority }) => {
    const colon = address.lastIndexOf(':');
    const ip = address.slice(0, colon).replace(/^\[|\]$/g, '');
    const port = Number(address.slice(colon + 1));
    const endpointIndex = config.endpoints.findIndex(
      (endpoint) =>
        endpoint.priority === priority &&
        endpoint.port === port &&
        (endpoint.hostname || endpoint.address) === hostname,
    );
    return endpointIndex < 0 ? [] : [{ ip, port, endpointIndex }];
  });
}
