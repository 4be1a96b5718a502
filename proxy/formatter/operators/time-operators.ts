// Operators that print wall-clock time.
import { DateFormat, DEFAULT_DATE_PATTERN, patternBreaksLine } from '../date-format.ts';
import type { FormatContext } from '../formatter.ts';
import type { OperatorDefinition, OperatorTable } from '../operator.ts';

/** START_TIME is the first byte of the request, EMIT_TIME the moment of the line. */
export const TIME_OPERATORS: OperatorTable = {
  START_TIME: timeOperator(({ info }) => info.startWallMs, false),
  START_TIME_LOCAL: timeOperator(({ info }) => info.startWallMs, true),
  EMIT_TIME: timeOperator(({ wallMs }) => wallMs, false),
  EMIT_TIME_LOCAL: timeOperator(({ wallMs }) => wallMs, true),
};

function timeOperator(
  read: (context: FormatContext) => number,
  isLocal: boolean,
): OperatorDefinition {
  return {
    syntax: 'optional',
    takesLength: false,
    make: ({ argument, options }) => {
      if (patternBreaksLine(argument)) {
        return { error: 'Invalid header configuration. Format string contains newline.' };
      }
      const { environment } = options;
      const offset =
        isLocal && environment !== undefined
          ? (wallMs: number) => environment.utcOffsetMinutes(wallMs)
          : null;
      const pattern = argument === '' ? DEFAULT_DATE_PATTERN : argument;
      const format = new DateFormat(pattern, offset);
      return (context) => format.format(read(context));
    },
  };
}
