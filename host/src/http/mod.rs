//! The HTTP side: routes over the board, read-only but for two. Never waits for a check, except `POST …/run`.

mod state;

pub use state::{Control, Lifecycle, ReloadReport, RunRefusal, State};

/// Answers until `stop`.
pub async fn serve(listener: tokio::net::TcpListener, state: State, stop: impl Future<Output = ()> + Send + 'static) {
    use axum::routing::get;
    let router = axum::Router::new()
        .route(
            "/health",
            get(|axum::extract::State(state): axum::extract::State<State>| async move {
                let index = state.board.index();
                let lines: Vec<String> =
                    index.checks.iter().map(|(name, slot)| format!("{name}: {:?}", slot.view())).collect();
                lines.join("\n")
            }),
        )
        .with_state(state);
    let _ = axum::serve(listener, router).with_graceful_shutdown(stop).await;
}
