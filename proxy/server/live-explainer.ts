// Explanations of the configuration that serves now, with the hosts that workers know.
import type { ExplainAnswer, ExplainQuestion } from '../admin/backend.ts';
import type { ClusterStatus } from '../admin/status.ts';
import { readRequest } from '../explain/dry-request.ts';
import { Explainer, type Moment } from '../explain/explainer.ts';
import { jsonOutput } from '../explain/json-output.ts';
import { renderExplanation } from '../explain/render-explanation.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import type { Configuration, GoodBootstrap } from './configuration.ts';
import { explainedConfiguration } from './explained-configuration.ts';
import { localIp } from './host-facts.ts';
import type { ServerOptions } from './options.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** One per admin interface. Route tables are built with the first question about a configuration. */
export class LiveExplainer {
  readonly #source: { readonly configuration: Configuration };
  readonly #family: ServerOptions['localAddressFamily'];
  #loaded: GoodBootstrap | null = null;
  #explainer: Explainer | null = null;

  constructor(
    source: { readonly configuration: Configuration },
    family: ServerOptions['localAddressFamily'],
  ) {
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
    const explanation = explainer.explain(read.request, momentOf(explainer, statuses));
    const text = renderExplanation(explanation, { colour: false });
    return { ok: true, text, json: jsonOutput(explanation) };
  }

  #current(): Explainer {
    const { loaded, runtime } = this.#source.configuration;
    if (this.#explainer === null || this.#loaded !== loaded) {
      this.#loaded = loaded;
      const explained = explainedConfiguration(loaded, runtime.values);
      this.#explainer = new Explainer(explained, localIp(this.#family));
    }
    return this.#explainer;
  }
}

function momentOf(explainer: Explainer, statuses: readonly ClusterStatus[]): Moment {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const resolved = explainer.configuration.clusters.flatMap(({ config }) => {
    const status = byName.get(config.name);
    return status === undefined ? [] : [[config.name, endpointsOf(config, status)] as const];
  });
  return {
    wallMs: SYSTEM_CLOCK.wallMs(),
    live: (name) => byName.get(name)?.hosts ?? null,
    resolved: new Map(resolved),
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
