"""`loanpulse serve`: the board for Prometheus, health for whoever runs it, silences for who may set them."""

from loanpulse.cli import options
from loanpulse.cli.places import at_work
from streams.runtime.settings import Settings


def serve(
    serve_host: options.ServeHost = None,
    serve_port: options.ServePort = None,
    api_token_file: options.ApiTokenFile = None,
    redis: options.Redis = None,
    namespace: options.Namespace = None,
    as_of: options.AsOf = None,
    log_level: options.LogLevel = None,
) -> None:
    """Offer /metrics, /healthz, /readyz and, to who has the token, the API of silences; any number may run."""
    from loanpulse.cli.service import log_to_stderr, run_until_stopped

    settings = at_work(
        options.settings_from(
            serve_host=serve_host,
            serve_port=serve_port,
            api_token_file=api_token_file,
            redis=redis,
            namespace=namespace,
            as_of=as_of,
            log_level=log_level,
        ),
        "redis",
    )
    log_to_stderr(settings.log_level)
    run_until_stopped(_listen(settings))


async def _listen(settings: Settings) -> None:
    from loanpulse.lab.process import ServerError
    from loanpulse.serve.server import serve as run

    try:
        await run(settings)
    except OSError as error:
        place = f"{settings.serve_host} port {settings.serve_port}"
        raise ServerError(
            f"cannot listen on {place}: {error.strerror or error}: set LOANPULSE_SERVE_PORT"
        ) from None
