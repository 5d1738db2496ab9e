//! Catching panics: a future that ends with the panic's text instead of taking its task down.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The text of a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panicked(pub(crate) String);

/// Runs `work`, and answers the text of its panic if it panics.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    // What a panicking job leaves half-done is its own: nothing of it is looked at afterwards.
    catch_unwind(AssertUnwindSafe(work)).map_err(text)
}

fn text(payload: Box<dyn Any + Send>) -> Panicked {
    let text = payload
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    // Dropping it could panic again.
    std::mem::forget(payload);
    Panicked(text)
}

/// A boxed future whose panics are caught, in its polls and in its drop.
pub(crate) struct Guarded<'a, T>(Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>);

impl<'a, T> Guarded<'a, T> {
    pub(crate) fn new(future: Pin<Box<dyn Future<Output = T> + Send + 'a>>) -> Self {
        Self(Some(future))
    }

    /// Drops the future, and answers whether that went well.
    pub(crate) fn cancel(&mut self) -> Result<(), Panicked> {
        let future = self.0.take();
        catch(move || drop(future))
    }
}

impl<T> Future for Guarded<'_, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.0.as_mut() else {
            return Poll::Ready(Err(Panicked("polled after its end".to_owned())));
        };
        match catch(|| future.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(self.cancel().map(|()| output)),
            Err(panicked) => {
                // The first panic is the one that tells.
                let _ = self.cancel();
                Poll::Ready(Err(panicked))
            }
        }
    }
}

impl<T> Drop for Guarded<'_, T> {
    fn drop(&mut self) {
        let _ = self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "in drop");
        }
    }

    #[tokio::test]
    async fn any_panic_ends_as_its_text() {
        let cases: [(crate::env::Task, &str); 4] = [
            (Box::pin(async { panic!("plain") }), "plain"),
            (Box::pin(async { panic!("with {}", "values") }), "with values"),
            (Box::pin(async { std::panic::panic_any(7) }), "a value that is no text"),
            (
                Box::pin(async {
                    let _bomb = Bomb;
                    tokio::task::yield_now().await;
                }),
                "in drop",
            ),
        ];
        for (future, text) in cases {
            assert_eq!(Guarded::new(future).await, Err(Panicked(text.to_owned())));
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_drop_of_a_cancelled_future_is_caught() {
        let mut guarded = Guarded::new(Box::pin(async {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        }));
        assert!(futures_poll_once(&mut guarded).await.is_pending());
        assert_eq!(guarded.cancel(), Err(Panicked("in drop".to_owned())));
    }

    async fn futures_poll_once<T>(guarded: &mut Guarded<'_, T>) -> Poll<Result<T, Panicked>> {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *guarded).poll(context))).await
    }
}
