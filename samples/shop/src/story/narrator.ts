import pc from 'picocolors';

/** Says what happens: in colour on a terminal, plain when piped (picocolors looks at the output and NO_COLOR). */
export class Narrator {
  private readonly paint: Readonly<Record<string, (text: string) => string>> = {
    'shop-order': pc.cyan,
    'shop-user-1': pc.magenta,
    'shop-user-2': pc.yellow,
  };

  title(text: string): void {
    this.line(`\n${pc.bold(text)}`);
  }

  say(text: string): void {
    this.line(`  ${text}`);
  }

  done(text: string): void {
    this.line(`  ${pc.green('✓')} ${text}`);
  }

  failed(text: string): void {
    this.line(`  ${pc.red('✗')} ${text}`);
  }

  /** A line of a service. */
  service(name: string, text: string): void {
    const paint = this.paint[name] ?? pc.dim;
    this.line(`    ${paint(name.padEnd(11))} ${pc.dim(text)}`);
  }

  private line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}
