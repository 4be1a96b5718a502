// What the command says while it works: plain lines, or one JSON object a line as Istio's programs
// write with --log_as_json.

/** Says things. */
export interface Reporter {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** Output that was asked for, without any decoration. */
  print(text: string): void;
}

/** Where lines go. */
export interface ReporterStreams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Information on standard output, warnings and errors on standard error. */
export function makeReporter({ out, err }: ReporterStreams, asJson: boolean): Reporter {
  const line = (level: string, message: string): string => {
    if (!asJson) return level === 'info' ? `${message}\n` : `${level}: ${message}\n`;
    return `${JSON.stringify({ level, time: new Date().toISOString(), msg: message })}\n`;
  };
  return {
    info: (message) => out(line('info', message)),
    warn: (message) => err(line('warning', message)),
    error: (message) => err(line('error', message)),
    print: out,
  };
}
