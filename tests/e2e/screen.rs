//! A screen: one live stream, every view kept, so that what was shown for a moment can be asked for afterwards.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Views kept.
const MAX_VIEWS: usize = 4_000;

pub struct Screen {
    views: Arc<Mutex<Vec<Value>>>,
    ending: Arc<AtomicBool>,
}

impl Screen {
    /// Watches a lane's stream, through restarts of the daemon.
    pub fn watch(port: u16) -> Self {
        let views = Arc::new(Mutex::new(Vec::new()));
        let ending = Arc::new(AtomicBool::new(false));
        let (kept, end) = (views.clone(), ending.clone());
        std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let _ = follow(port, &kept, &end);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { views, ending }
    }

    /// The newest view: `turn`, `link`, `view`, ... as the stream carries it; `Null` before the first.
    pub fn now(&self) -> Value {
        self.views.lock().unwrap().last().cloned().unwrap_or(Value::Null)
    }

    /// Was a view shown of which this is true?
    pub fn showed(&self, is: impl Fn(&Value) -> bool) -> bool {
        self.views.lock().unwrap().iter().any(|view| is(&view["view"]))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}

fn follow(port: u16, views: &Mutex<Vec<Value>>, ending: &AtomicBool) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    stream.write_all(format!("GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n").as_bytes())?;
    let mut named_view = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if ending.load(Ordering::Relaxed) {
            return Ok(());
        }
        // The body comes in chunks; their lengths are lines that are no field.
        if let Some(name) = line.strip_prefix("event:") {
            named_view = name.trim() == "view";
        } else if let Some(data) = line.strip_prefix("data:")
            && named_view
            && let Ok(view) = serde_json::from_str::<Value>(data.trim())
        {
            let mut views = views.lock().unwrap();
            if views.len() < MAX_VIEWS {
                views.push(view);
            } else {
                *views.last_mut().unwrap() = view;
            }
        }
    }
    Ok(())
}
