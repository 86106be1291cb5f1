"""The command line: every error of ours is one sentence on stderr and exit code 2."""

import sys


def main() -> None:
    """Run ``loadstore``."""
    try:
        from loadstore.cli.say import printing

        with printing():
            from loadstore.cli.app import app
            from loadstore.errors import LoadstoreError

            try:
                app()
            except LoadstoreError as error:
                print(f"loadstore: {error}", file=sys.stderr)
                sys.exit(2)
            except Exception:  # a fault of ours: Python's own report would print what it quotes as it is
                import traceback

                traceback.print_exc()
                sys.exit(1)
    except KeyboardInterrupt:
        print("loadstore: interrupted", file=sys.stderr)
        sys.exit(130)
