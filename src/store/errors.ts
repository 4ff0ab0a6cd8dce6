import { getSystemErrorMap } from 'node:util';

/**
 * Bad input, or an environment that cannot do what was asked: the message is one line that says what was wrong,
 * where, and what to do. The command line prints it and exits with status 2; anything else that is thrown is a bug.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** What was asked was whether something holds, and it does not: one line, as a UserError, but status 1. */
export class DoesNotHold extends UserError {}

/** What the common system error codes mean to the reader, and what to do about it. */
const MEANING: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a folder, a file was expected',
  ENOTDIR: 'a part of the path is a file, a folder was expected',
  EEXIST: 'it exists already',
  ENOSPC: 'no space left on the device; free some space or choose another folder',
  EDQUOT: 'disk quota exceeded; free some space or choose another folder',
  EFBIG: 'the file would be larger than the file system or ulimit allows',
  EROFS: 'the file system is read-only; choose another folder',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ENXIO: 'nobody serves this device or socket; give a file or a pipe',
  EIO: 'input/output error; check the disk',
  EPIPE: 'what was reading it has ended',
  EBUSY: 'it is in use, or a disk is mounted there; choose another folder',
  ENOTEMPTY: 'another process has written it meanwhile',
};

/** The system error code of `error` ("ENOSPC"), or undefined where it is not a system error. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether it says that there is no such file or folder. */
export const isMissing = (error: unknown): boolean =>
  error instanceof UserError && systemErrorCode(error.cause) === 'ENOENT';

/**
 * A system error as a UserError "cannot ${action} ${path}: reason". Errors that no system call raised are returned
 * as they are: they are bugs, and their stack is worth more than a tidy line.
 */
export function asUserError(error: unknown, action: string, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  return new UserError(`cannot ${action} ${path}: ${meaningOf(error as NodeJS.ErrnoException, code)}`, {
    cause: error,
  });
}

/** Never the error's own message: that names paths of ours, such as a temporary file's. */
function meaningOf({ errno }: NodeJS.ErrnoException, code: string): string {
  const [, words] = (errno !== undefined && getSystemErrorMap().get(errno)) || [];
  return MEANING[code] ?? words ?? code;
}
