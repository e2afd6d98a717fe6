//! Who works this screen. A session is 128 random bits in a cookie; it ends by logout, by idleness, or with the daemon.

use super::seams::SessionEnd;
use crate::officer::Account;
use lane_core::officer::Role;
use lane_core::time::Mono;
use lane_link::view_api::Session as SessionView;
use subtle::ConstantTimeEq;

/// Sessions at a time; a further login ends the one that is idle longest.
pub const SESSIONS_MAX: usize = 8;
/// The cookie's name.
pub const COOKIE: &str = "borderlane_session";

/// The cookie's value: 32 hex digits.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// Draws one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Finds ours among the cookies of a request.
    #[must_use]
    pub fn of_cookies(cookies: &str) -> Option<Self> {
        let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value).next()?;
        (value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(value.to_owned()))
    }

    /// `Set-Cookie` that begins this session.
    #[must_use]
    pub fn set_cookie(&self) -> String {
        format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", self.0)
    }

    /// `Set-Cookie` that ends any session.
    #[must_use]
    pub fn clear_cookie() -> String {
        format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The account as it was at the login: a session ends when it changes.
    pub account: Account,
    used_at: Mono,
}

/// All of them.
pub struct Sessions {
    idle_logout_ms: u64,
    open: Vec<(SessionId, Session)>,
    /// Ended by themselves and not yet told; no more than were ever open at a time, since every use of the sessions is followed by [`Sessions::take_ended`].
    ended: Vec<(Account, SessionEnd)>,
}

impl Sessions {
    /// None yet.
    #[must_use]
    pub const fn new(idle_logout_ms: u64) -> Self {
        Self { idle_logout_ms, open: Vec::new(), ended: Vec::new() }
    }

    /// Begins one.
    pub fn begin(&mut self, id: SessionId, account: Account, now: Mono) -> SessionView {
        self.sweep(now);
        if self.open.len() >= SESSIONS_MAX {
            let idlest = self.open.iter().enumerate().min_by_key(|(_, (_, session))| session.used_at).map(|(index, _)| index);
            if let Some(index) = idlest {
                self.ended.push((self.open.swap_remove(index).1.account, SessionEnd::Crowded));
            }
        }
        let session = Session { account, used_at: now };
        let view = self.show(&session, now);
        self.open.push((id, session));
        view
    }

    /// The session, which lives on from now: somebody acted.
    pub fn act(&mut self, id: &SessionId, now: Mono) -> Option<Account> {
        self.sweep(now);
        let session = self.open.iter_mut().find(|(known, _)| same(known, id)).map(|(_, session)| session)?;
        session.used_at = now;
        Some(session.account.clone())
    }

    /// Whose session it is; asking does not prolong it.
    pub fn account(&mut self, id: &SessionId, now: Mono) -> Option<Account> {
        self.sweep(now);
        self.open.iter().find(|(known, _)| same(known, id)).map(|(_, session)| session.account.clone())
    }

    /// The session as it is; looking does not prolong it.
    pub fn look(&mut self, id: &SessionId, now: Mono) -> Option<SessionView> {
        self.sweep(now);
        self.open.iter().find(|(known, _)| same(known, id)).map(|(_, session)| self.show(session, now))
    }

    /// Ends it; it is dead afterwards. Whose it was.
    pub fn end(&mut self, id: &SessionId) -> Option<Account> {
        let at = self.open.iter().position(|(known, _)| same(known, id))?;
        Some(self.open.swap_remove(at).1.account)
    }

    /// Ends what is idle.
    pub fn sweep(&mut self, now: Mono) {
        let idle = |session: &Session| now.since(session.used_at) >= self.idle_logout_ms;
        self.ended.extend(self.open.extract_if(.., |(_, session)| idle(session)).map(|(_, session)| (session.account, SessionEnd::Idle)));
    }

    /// Those that ended by themselves since the last time.
    pub fn take_ended(&mut self) -> Vec<(Account, SessionEnd)> {
        std::mem::take(&mut self.ended)
    }

    fn show(&self, session: &Session, now: Mono) -> SessionView {
        let role: Role = session.account.role;
        SessionView {
            id: session.account.id.clone(),
            agency: session.account.agency.clone(),
            role: role.into(),
            idle_left_ms: self.idle_logout_ms.saturating_sub(now.since(session.used_at)),
        }
    }
}

fn same(known: &SessionId, given: &SessionId) -> bool {
    known.0.as_bytes().ct_eq(given.0.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account {
            id: id.into(),
            agency: "customs".into(),
            role: Role::Officer,
            sites: vec!["huu-nghi".into()],
            valid_from_ms: 0,
            valid_until_ms: 1,
            pin_hash: String::new(),
        }
    }

    #[test]
    fn a_session_ends_by_idleness_and_looking_does_not_prolong_it() {
        let mut sessions = Sessions::new(1000);
        let id = SessionId::draw().unwrap();
        assert_eq!(sessions.begin(id.clone(), account("lan"), Mono(0)).idle_left_ms, 1000);
        assert!(sessions.act(&id, Mono(900)).is_some());
        assert_eq!(sessions.look(&id, Mono(1800)).unwrap().idle_left_ms, 100);
        assert_eq!(sessions.look(&id, Mono(1900)), None);
        assert_eq!(sessions.take_ended(), [(account("lan"), SessionEnd::Idle)]);
        assert_eq!(sessions.take_ended(), []);
        assert!(sessions.act(&id, Mono(1900)).is_none());
    }

    #[test]
    fn a_session_is_dead_after_logout_and_a_ninth_ends_the_idlest() {
        let mut sessions = Sessions::new(1_000_000);
        let ids: Vec<_> = (0..=SESSIONS_MAX).map(|_| SessionId::draw().unwrap()).collect();
        for (n, id) in ids.iter().enumerate() {
            sessions.begin(id.clone(), account("lan"), Mono(n as u64));
        }
        assert_eq!(sessions.open.len(), SESSIONS_MAX);
        assert_eq!(sessions.take_ended(), [(account("lan"), SessionEnd::Crowded)]);
        assert!(sessions.act(&ids[0], Mono(20)).is_none() && sessions.act(&ids[1], Mono(20)).is_some());
        sessions.end(&ids[1]);
        assert!(sessions.act(&ids[1], Mono(20)).is_none());
    }

    #[test]
    fn only_a_whole_cookie_of_ours_is_one() {
        let id = SessionId::draw().unwrap();
        let cookie = id.set_cookie();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict"));
        let value = cookie.split(';').next().unwrap();
        assert!(SessionId::of_cookies(&format!("a=b; {value}; c=d")).is_some_and(|found| found == id));
        for junk in ["", "borderlane_session=", "borderlane_session=zz", "xborderlane_session=00000000000000000000000000000000"] {
            assert!(SessionId::of_cookies(junk).is_none(), "{junk}");
        }
    }
}
