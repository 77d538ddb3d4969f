"""The review page on 127.0.0.1: a small Flask app over a `ReviewSession`.

Whoever can reach the page can change a dataset, so nobody else can: it listens on loopback only, every address begins
with a secret made at the start, a request must name this very host and port (no DNS rebinding), and a change must be
JSON from this very page (no forged form). The page may load nothing from anywhere else.
"""

import hmac
import logging
import secrets
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request
from jinja2 import StrictUndefined
from werkzeug.serving import WSGIRequestHandler, make_server

from pipeline.errors import DatasetError, VoiceError
from pipeline.records import Clip
from pipeline.review_session import ReviewSession
from pipeline.reviews import REVIEWED

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LARGEST_REQUEST_BYTES = 65_536


def serve(
    session: ReviewSession, *, name: str, port: int = 0, opened: Callable[[str], None] = lambda url: None
) -> None:
    """Serve the page until its reader says "done" or Ctrl-C is pressed.

    Args:
        session: the clips to judge.
        name: of the voice.
        port: 0 takes any free one.
        opened: told the page's address once it answers.

    Raises:
        VoiceError: the port is taken.
    """
    secret, done = secrets.token_urlsafe(24), threading.Event()
    app = make_app(session, name=name, secret=secret, done=done)
    try:  # here and not in werkzeug, which prints and leaves the program over a port that is taken
        listening = socket.create_server((_LOOPBACK, port))
    except OSError as error:
        raise VoiceError(f"port {port} of {_LOOPBACK} cannot be had: {error}", hint="leave --port out") from error
    with listening:
        port = app.config["PORT"] = listening.getsockname()[1]
        server = make_server(_LOOPBACK, port, app, threaded=True, request_handler=_QuietHandler, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        opened(f"http://{_LOOPBACK}:{port}/{secret}/")
        done.wait()
    except KeyboardInterrupt:
        log.info("review ended; every verdict is saved")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_app(session: ReviewSession, *, name: str, secret: str, done: threading.Event) -> Flask:
    """Make the app; `app.config["PORT"]` must be set before it is asked anything."""
    app = Flask("pipeline", static_folder=None)
    app.jinja_env.undefined = StrictUndefined
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST_BYTES
    at = "/<given>"

    @app.before_request
    def admit() -> None:
        hosts = {f"{_LOOPBACK}:{app.config['PORT']}", f"localhost:{app.config['PORT']}"}
        given = str((request.view_args or {}).pop("given", ""))
        if request.host not in hosts or not hmac.compare_digest(given.encode(), secret.encode()):
            abort(HTTPStatus.FORBIDDEN)
        if request.method in ("GET", "HEAD"):
            return
        if request.origin not in (None, *(f"http://{host}" for host in hosts)) or not request.is_json:
            abort(HTTPStatus.FORBIDDEN)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(KeyError)
    def unknown(error: KeyError) -> tuple[Response, int]:
        return jsonify(error=f"no clip {error.args[0]!s:.80}"), HTTPStatus.NOT_FOUND

    @app.errorhandler(DatasetError)
    def refused(error: DatasetError) -> tuple[Response, int]:
        return jsonify(error=error.message, hint=error.hint), HTTPStatus.UNPROCESSABLE_ENTITY

    @app.get(f"{at}/")
    def page() -> str:
        return render_template("review.html.j2", name=name)

    @app.get(f"{at}/review.<any(css, js):kind>")
    def asset(kind: str) -> Response:
        loader = app.jinja_env.loader
        assert loader is not None
        source = loader.get_source(app.jinja_env, f"review.{kind}")[0]
        return Response(source, mimetype={"css": "text/css", "js": "text/javascript"}[kind])

    @app.get(f"{at}/clips.json")
    def clips() -> Response:
        return jsonify([_row(session, clip) for clip in session.clips])

    @app.get(f"{at}/clips/<identity>.wav")
    def sound(identity: str) -> Response:
        wav = session.sound(identity, request.args.get("context", 0.0, type=float))
        # Ranges, or a browser will not move about in the sound.
        response = Response(wav, mimetype="audio/wav")
        response.accept_ranges = "bytes"
        response.make_conditional(request, accept_ranges=True, complete_length=len(wav))
        return response

    @app.get(f"{at}/clips/<identity>.webp")
    def picture(identity: str) -> Response:
        return Response(session.picture(identity), mimetype="image/webp")

    @app.post(f"{at}/clips/<identity>")
    def decide(identity: str) -> Response:
        said = request.get_json()
        if (
            not isinstance(said, dict)
            or not isinstance(said.get("kept"), bool)
            or not isinstance(said.get("text"), str)
        ):
            abort(HTTPStatus.BAD_REQUEST)
        clip = session.decide(identity, kept=said["kept"], text=said["text"])
        return jsonify(clip and _row(session, clip))

    @app.delete(f"{at}/clips/<identity>")
    def undo(identity: str) -> Response:
        clip = session.undo(identity)
        return jsonify(clip and _row(session, clip))

    @app.post(f"{at}/done")
    def finish() -> Response:
        response = jsonify(True)
        response.call_on_close(done.set)  # once it is sent: the page must hear that all went well
        return response

    return app


def _row(session: ReviewSession, clip: Clip) -> dict[str, Any]:
    return {
        "id": clip.id,
        "title": session.recording(clip).title or clip.source,
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "text": clip.text,
        "kept": clip.kept,
        "reviewed": REVIEWED in clip.measures,
        "reasons": [reason.replace("_", " ") for reason in clip.reasons],
        "measures": {key: value for key, value in sorted(clip.measures.items()) if key != REVIEWED},
        "witnesses": dict(sorted(clip.witnesses.items())),
    }


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message, *args)
