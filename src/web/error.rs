//! What a request is told when it is not done: a word for the page, a sentence for people in Vietnamese, English and Chinese.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lane_link::view_api::ApiError;

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The `Host` is not this machine: DNS rebinding.
    #[error("the host is not a loopback name")]
    BadHost,
    /// A page of another origin asks.
    #[error("the request comes from another origin")]
    CrossOrigin,
    /// Not JSON.
    #[error("the content type is not application/json")]
    NotJson,
    /// The body is too long.
    #[error("the body has more than {max_body_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_body_bytes: usize,
    },
    /// The body did not arrive.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The body does not say what it must; names the field.
    #[error("{0}")]
    BadJson(String),
    /// Nobody is logged in.
    #[error("nobody is logged in")]
    LoginNeeded,
    /// Wrong login, wrong PIN, not valid, not here: all alike.
    #[error("the login failed")]
    LoginFailed,
    /// Too many wrong PINs.
    #[error("locked for {retry_after_s} s")]
    Locked {
        /// Seconds until the next try is looked at.
        retry_after_s: u64,
    },
    /// The person's role does not suffice.
    #[error("only a supervisor may do this")]
    NotAllowed,
    /// What was decided on is no longer so.
    #[error("look again")]
    LookAgain,
    /// There is no such thing.
    #[error("there is no such thing")]
    NotFound,
    /// A queue or the streams are full.
    #[error("busy")]
    Busy,
    /// The lane loop or the store did not answer in time.
    #[error("no answer in time")]
    NoAnswer,
    /// Nobody holds the other end of Stop.
    #[error("the barrier task is gone")]
    StopNotHeard,
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

impl Refusal {
    /// The word for the page.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::BadHost => "bad_host",
            Self::CrossOrigin => "cross_origin",
            Self::NotJson => "not_json",
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
            Self::BadJson(_) => "bad_json",
            Self::LoginNeeded => "login_needed",
            Self::LoginFailed => "login_failed",
            Self::Locked { .. } => "locked",
            Self::NotAllowed => "not_allowed",
            Self::LookAgain => "look_again",
            Self::NotFound => "not_found",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::StopNotHeard => "stop_not_heard",
            Self::Stopping => "stopping",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BadHost | Self::CrossOrigin | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::LookAgain => StatusCode::CONFLICT,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BadJson(_) => StatusCode::BAD_REQUEST,
            Self::LoginNeeded | Self::LoginFailed => StatusCode::UNAUTHORIZED,
            Self::Locked { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Busy | Self::StopNotHeard | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Vietnamese, English, Chinese.
    fn sentences(&self) -> [String; 3] {
        let three = match self {
            Self::BadHost => ["Địa chỉ máy chủ không được chấp nhận", "The server is not known by this address", "服务器地址不被接受"],
            Self::CrossOrigin => {
                ["Yêu cầu đến từ trang khác, bị từ chối", "The request comes from another page and was refused", "请求来自其他页面，已拒绝"]
            }
            Self::NotJson => ["Yêu cầu phải là JSON", "The request must be JSON", "请求必须是 JSON"],
            Self::TooLarge { max_body_bytes } => {
                return [
                    format!("Yêu cầu quá dài, tối đa {max_body_bytes} byte"),
                    format!("The request is too long, at most {max_body_bytes} bytes"),
                    format!("请求过长，最多 {max_body_bytes} 字节"),
                ];
            }
            Self::TooSlow => ["Yêu cầu không đến kịp", "The request did not arrive in time", "请求未及时到达"],
            Self::BadJson(what) => {
                return [format!("Yêu cầu không hợp lệ: {what}"), format!("The request is not valid: {what}"), format!("请求无效：{what}")];
            }
            Self::NotAllowed => ["Chỉ người giám sát được làm", "Only a supervisor may do this", "只有主管可以执行"],
            Self::LookAgain => {
                ["Hình đã cũ: xem lại rồi nhấn lại", "The picture is too old: look again and press again", "画面已过期：请重新查看后再按"]
            }
            Self::LoginNeeded => ["Cần đăng nhập", "Please log in", "请先登录"],
            Self::LoginFailed => ["Đăng nhập không thành công", "The login did not succeed", "登录失败"],
            Self::Locked { retry_after_s } => {
                return [
                    format!("Sai mã PIN quá nhiều lần. Thử lại sau {retry_after_s} giây"),
                    format!("Too many wrong PINs. Try again in {retry_after_s} seconds"),
                    format!("PIN 码错误次数过多，请在 {retry_after_s} 秒后重试"),
                ];
            }
            Self::NotFound => ["Không tìm thấy", "Not found", "未找到"],
            Self::Busy => ["Hệ thống đang bận, hãy thử lại", "The system is busy, try again", "系统繁忙，请重试"],
            Self::NoAnswer => [
                "Làn xe chưa trả lời; hãy xem trạng thái thanh chắn trước khi thử lại",
                "The lane did not answer; look at the boom before trying again",
                "车道没有应答；重试前请先查看栏杆",
            ],
            Self::StopNotHeard => [
                "LỆNH DỪNG KHÔNG ĐẾN ĐƯỢC BARIE: dùng nút dừng khẩn cấp",
                "STOP DID NOT REACH THE BARRIER: use the emergency stop button",
                "停止命令未到达栏杆：请按急停按钮",
            ],
            Self::Stopping => ["Hệ thống đang tắt", "The system is shutting down", "系统正在关闭"],
        };
        three.map(str::to_owned)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let [message_vi, message_en, message_zh] = self.sentences();
        let retry_after_s = if let Self::Locked { retry_after_s } = self { Some(retry_after_s) } else { None };
        let body = ApiError { error: self.word().to_owned(), message_vi, message_en, message_zh, retry_after_s };
        let mut response = (self.status(), Json(body)).into_response();
        response.extensions_mut().insert(Word(self.word()));
        response
    }
}

/// The word of a refusal, for the counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word(pub(super) &'static str);
