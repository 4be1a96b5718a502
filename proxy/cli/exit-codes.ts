// What the process's exit status means.

/** Everything went as asked. */
export const EXIT_OK = 0;
/** The configuration is refused, or a port or file that it needs cannot be had; as Envoy. */
export const EXIT_FAILURE = 1;
/** The command line makes no sense (sysexits.h EX_USAGE). Envoy says 1. */
export const EXIT_USAGE = 64;
/** `explain`: the request finds no route. */
export const EXIT_NO_ROUTE = 2;
/** `test` and `diff`: a file cannot be read, or its configuration is refused. */
export const EXIT_UNREADABLE = 2;
/** `diff`: traffic would notice. */
export const EXIT_DIFFERENT = 1;
