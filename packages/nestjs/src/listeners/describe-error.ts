import { HttpException } from '@nestjs/common';

/** An error in one line, with what ValidationPipe found wrong. */
export function describeError(error: unknown): string {
  const details = detailsOf(error);
  if (details !== undefined) return `${(error as Error).name}: ${details}`;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  // Nest's RPC filters turn errors into plain objects with a message.
  const message = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}

/** ValidationPipe keeps what is wrong with which property in the response. */
function detailsOf(error: unknown): string | undefined {
  if (!(error instanceof HttpException)) return undefined;
  const { message } = error.getResponse() as { message?: unknown };
  return Array.isArray(message) ? message.join(', ') : undefined;
}
