// The part of prom-client that prometheus.ts needs: loading all of the package takes a tenth of the
// proxy's start and 5 MB, for metrics of Node's own that nobody asks for.
declare module 'prom-client/lib/registry.js' {
  import { Registry } from 'prom-client';
  export = Registry;
}
