// What a configuration is to those who explain it: each resource compiled as workers compile it.
import { ExplainedConfiguration } from '../explain/configuration.ts';
import { Explainer, type Moment } from '../explain/explainer.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ListenerConfig } from '../model/listener.ts';
import type { RuntimeValues } from '../model/runtime.ts';
import { compilerFor, type GoodBootstrap } from './configuration.ts';
import { localIp } from './host-facts.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** Loading compiled every resource: none is refused here. */
export function explainedConfiguration(
  loaded: GoodBootstrap,
  runtime: RuntimeValues = loaded.bootstrap.runtime,
): ExplainedConfiguration {
  const compiler = compilerFor(loaded, runtime);
  const ofKind = (kind: string) => loaded.resources.filter((resource) => resource.kind === kind);
  return new ExplainedConfiguration({
    node: loaded.bootstrap.node,
    listeners: ofKind('listener').map((resource, from) => ({
      config: compiler.listener(resource).config as ListenerConfig,
      resource,
      from,
    })),
    clusters: ofKind('cluster').map((resource, from) => ({
      config: compiler.cluster(resource).config as ClusterConfig,
      resource,
      from,
    })),
    routes: new Map(),
    places: loaded.places,
  });
}

/** For a configuration that nobody runs. */
export function offlineExplainer(loaded: GoodBootstrap): Explainer {
  return new Explainer(explainedConfiguration(loaded), localIp('IPv4'));
}

/** What is known there of hosts is what the configuration says. */
export function offlineMoment(): Moment {
  return {
    wallMs: SYSTEM_CLOCK.wallMs(),
    live: () => null,
    resolved: new Map(),
    policies: new Map(),
    endpointsFrom: () => null,
  };
}
