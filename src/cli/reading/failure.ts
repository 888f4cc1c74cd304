// Why a command ends without success: one clear sentence and the exit code that goes with it.
import { EXIT, type ErrorBody } from '../../daemon/api/api.js';
import { plain } from '../printing/plain.js';

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command. The message is for people: what was refused, why, what to do; never a stack trace. */
export class Failure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** The command line itself is malformed (exit 2). */
export function usageFailure(message: string): Failure {
  return new Failure(EXIT.usage, message);
}

/** Refused, or failed on the way (exit 1). */
export function refusedFailure(message: string, cause?: unknown): Failure {
  return new Failure(EXIT.refused, message, { cause });
}

/** What the daemon answered when it refused; undefined for every other failure. */
export function refusalOf({ cause }: Failure): ErrorBody['error'] | undefined {
  const isOne = typeof cause === 'object' && cause !== null && 'code' in cause && 'message' in cause;
  return isOne && !(cause instanceof Error) ? (cause as ErrorBody['error']) : undefined;
}

/** A permission is missing; the message names it (exit 4). */
export function permissionFailure(message: string, cause?: unknown): Failure {
  return new Failure(EXIT.permission, message, { cause });
}

/** Nobody answers at the run directory (exit 3). */
export function noDaemonFailure(message: string, cause?: unknown): Failure {
  return new Failure(EXIT.noDaemon, message, { cause });
}

/** `error.code` of a system error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** For a process that may not open as many files as its own code has. Undefined for every other error. */
export function openFilesFailure(error: unknown): Failure | undefined {
  const code = systemCode(error);
  if (code !== 'EMFILE' && code !== 'ENFILE') return undefined;
  return refusedFailure(
    `too many files are open (${plain((error as Error).message)}): raise the limit of open files (nofile) to 1024 and start it again.`,
    error,
  );
}

/** Anything thrown, as the failure to report: a missing permission is told apart from other failures. */
export function asFailure(error: unknown, doing: string): Failure {
  if (error instanceof Failure) return error;
  const tooMany = openFilesFailure(error);
  if (tooMany !== undefined) return tooMany;
  const said = plain(error instanceof Error ? error.message : String(error));
  const text = /[.?!]$/.test(said) ? said : `${said}.`;
  const code = systemCode(error);
  if (code === 'EPERM' || code === 'EACCES' || code === 'permission') {
    return permissionFailure(`${doing} needs a permission that is missing: ${text}`, error);
  }
  return refusedFailure(`${doing} failed: ${text}`, error);
}
