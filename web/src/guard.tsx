/** An error in a view becomes a message in its place; the rest of the page is unaffected. */
import { Component, type ComponentChildren } from "preact";

/** A visible message where a view would be. */
export function Notice({ children }: { children: ComponentChildren }) {
  return (
    <p class="notice" role="alert">
      {children}
    </p>
  );
}

/** Draws its children, or a message that they could not be drawn. */
export class Guard extends Component<{ what: string; children: ComponentChildren }, { failed: string | null }> {
  override state = { failed: null as string | null };

  static override getDerivedStateFromError(error: unknown) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (this.state.failed === null) return this.props.children;
    return (
      <Notice>
        This {this.props.what} cannot be drawn: its data is not what its schema promises ({this.state.failed}).
      </Notice>
    );
  }
}

/** The message for a schema that this bundle does not know. */
export function UnknownSchema({ what, schema }: { what: string; schema: unknown }) {
  return (
    <Notice>
      This {what} has the schema <code>{String(schema)}</code>, which this page cannot draw. It was written by another version of loadstore: make the page again with one version.
    </Notice>
  );
}
