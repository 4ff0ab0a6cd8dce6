// Node itself must find every name that src imports from a package. vitest is more lenient than Node with CommonJS
// packages (it makes named exports up), so a program can pass all its tests and still not start.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = promisify(execFile);

/** An import statement of each value that a file imports or re-exports from packages; types are erased and do not count. */
function packageImports(path: string): string[] {
  const statements: string[] = [];
  for (const node of parseAst(readFileSync(path, 'utf8'), { lang: 'ts' }, path).body) {
    if (node.type !== 'ImportDeclaration' && node.type !== 'ExportNamedDeclaration') continue;
    const kind = node.type === 'ImportDeclaration' ? node.importKind : node.exportKind;
    if (kind === 'type' || !node.source || /^(?:\.|node:)/.test(node.source.value)) continue;
    const names = node.specifiers.flatMap((specifier) => {
      if (specifier.type === 'ImportDefaultSpecifier') return ['default'];
      if (specifier.type === 'ImportNamespaceSpecifier') return [];
      const [name, type] =
        specifier.type === 'ImportSpecifier'
          ? [specifier.imported, specifier.importKind]
          : [specifier.local, specifier.exportKind];
      return type === 'type' ? [] : [name.type === 'Identifier' ? name.name : String(name.value)];
    });
    statements.push(...names.map((name) => `import { ${name} as NAME } from '${node.source!.value}';`));
  }
  return statements;
}

/** Links the statements in a fresh Node, without running the packages: the first import ends the process. */
async function link(statements: string[]): Promise<string> {
  const unique = [...new Set(statements)].map((statement, i) => statement.replace('NAME', `n${i}`));
  const program = ["import 'data:text/javascript,process.exit(0)';", ...unique].join('\n');
  try {
    await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: root });
    return '';
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

it('Node finds every name imported from a package', async () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && file.name.endsWith('.ts'))
    .map((file) => join(file.parentPath, file.name));
  const statements = files.flatMap(packageImports);
  expect(statements.length).toBeGreaterThan(5);
  expect(await link(statements)).toBe('');
});

it('would notice a name that is not there', async () => {
  expect(await link(["import { Format as NAME } from 'cli-progress';"])).toMatch(
    /Named export 'Format' not found/,
  );
});
