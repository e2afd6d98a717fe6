// Tiếng Việt: the first language of the screens. Terms after the glossary of the border gates.

import type { ShownCheck } from '../wire';
import type { Say, Words } from './shape';

export const vi: Words = {
  code: 'vi',
  name: 'Tiếng Việt',
  unit: { s: 'giây', min: 'phút', h: 'giờ', d: 'ngày' },
  agency: {
    customs: 'Hải quan', border_guard: 'Biên phòng', health: 'Kiểm dịch y tế', health_quarantine: 'Kiểm dịch y tế',
    plant: 'Kiểm dịch thực vật', plant_quarantine: 'Kiểm dịch thực vật', animal: 'Kiểm dịch động vật',
    animal_quarantine: 'Kiểm dịch động vật', gate_board: 'Ban quản lý cửa khẩu', yard: 'Bến bãi', fee: 'Thu phí', fees: 'Thu phí',
  },
  phase: {
    boot: 'ĐANG KHỞI ĐỘNG', idle: 'SẴN SÀNG', identifying: 'ĐANG NHẬN DẠNG', held: 'GIỮ XE', opening: 'ĐANG MỞ', passing: 'XE ĐANG QUA',
    closing: 'ĐANG ĐÓNG', faulted: 'CÓ LỖI',
  },
  mode: {
    automatic: 'Tự động', attended: 'Có người trực', closed: 'Làn đóng', held_open: 'Giữ mở', manual: 'Bằng tay', maintenance: 'Bảo trì',
    bring_up: 'Chạy thử',
  },
  sign: {
    closed: 'LÀN ĐÓNG', come: 'MỜI VÀO', wait: 'XIN CHỜ', wait_confirmation: 'CHỜ XÁC NHẬN', wait_officer: 'CHỜ CÁN BỘ', go: 'MỜI QUA',
    turn_back: 'QUAY ĐẦU', divert: 'RẼ VÀO BÃI', stop: 'DỪNG LẠI',
  },
  boom: { down: 'đã hạ', up: 'đã nâng', rising: 'đang nâng', falling: 'đang hạ', between: 'giữa chừng', unknown: 'không rõ' },
  signal: {
    approach_loop: 'Vòng từ vào', platform_front: 'Đầu cân', platform_rear: 'Cuối cân', boom_loop: 'Vòng từ barie',
    photocell: 'Cảm biến quang', exit_loop: 'Vòng từ ra', boom_up: 'Hết hành trình trên', boom_down: 'Hết hành trình dưới',
    e_stop: 'Dừng khẩn cấp', operator_fault: 'Lỗi bộ điều khiển', manual_key: 'Khóa tay', tamper: 'Cửa tủ',
  },
  camera: { front: 'Biển trước', rear: 'Biển sau' },
  cameraSide: { front: 'Trước', rear: 'Sau' },
  cameraDevice: { front: 'Camera trước', rear: 'Camera sau' },
  cameraState: {
    absent: 'không lắp', ok: 'tốt', dark: 'hình quá tối', frozen: 'hình đứng', no_frames: 'không có hình', down: 'không chạy',
    covered: 'ống kính bị che', moved: 'bị lệch hướng', glare: 'bị chói', blurred: 'mất nét', dirty: 'kính bẩn, mờ',
    out_of_frame: 'biển ngoài hình',
  },
  cameraDo: {
    absent: 'Không có camera này', ok: 'Không cần làm gì', dark: 'Bật đèn; sửa biển bằng tay', frozen: 'Kiểm tra camera; sửa biển bằng tay', no_frames: 'Kiểm tra dây và nguồn camera',
    down: 'Gọi kỹ thuật; sửa biển bằng tay', covered: 'Bỏ vật che ống kính', moved: 'Nhìn hình rồi mới mở; chỉnh lại',
    glare: 'Che nắng, tránh đèn rọi vào ống kính', blurred: 'Gọi kỹ thuật chỉnh nét', dirty: 'Lau kính camera',
    out_of_frame: 'Cho xe dừng đúng vạch',
  },
  scaleState: {
    absent: 'không lắp', streaming: 'tốt', not_open: 'không mở được cổng', no_bytes: 'không có tín hiệu',
    bytes_but_no_frames: 'tín hiệu không thành khung', frames_not_understood: 'khung không hiểu được',
  },
  severity: { notice: 'BÁO', attend: 'CẦN TRỰC', hold: 'GIỮ', block: 'CHẶN' },
  fault: {
    boom_open_at_start: ['Barie không hạ khi khởi động', 'Nhìn dưới barie, rồi Đóng barie'],
    barrier_link_lost: ['Mất bộ vào ra, barie chưa yên', 'Kiểm tra làn, rồi Đặt lại'],
    barrier_link_hold: ['Mất kết nối bộ vào ra', 'Tự hết khi có lại; kiểm tra dây mạng'],
    travel_timeout: ['Barie chạy quá lâu', 'Kiểm tra cần, rồi Đặt lại'],
    uncommanded_movement: ['Barie tự chuyển động', 'Kiểm tra làn, rồi Đặt lại'],
    limits_contradict: ['Hai hành trình mâu thuẫn', 'Gọi kỹ thuật, rồi Đặt lại'],
    presence_stuck: ['Cảm biến xe bị kẹt', 'Kiểm tra vòng từ và cảm biến'],
    presence_disagrees: ['Các cảm biến xe không khớp', 'Kiểm tra vòng từ và cảm biến'],
    photocell_blind: ['Cảm biến quang không thấy xe', 'Lau và chỉnh cảm biến quang'],
    output_mismatch: ['Đầu ra đọc lại không đúng', 'Gọi kỹ thuật, rồi Đặt lại'],
    watchdog_not_armed: ['Bộ vào ra chưa bật giám sát', 'Gọi kỹ thuật'],
    operator_fault: ['Bộ điều khiển barie báo lỗi', 'Xem bộ điều khiển barie'],
    emergency_stop: ['Nút dừng khẩn cấp đang nhấn', 'Hết nguy hiểm: nhả nút, rồi Đặt lại'],
    stop_latched: ['Đã nhấn Dừng', 'Hết nguy hiểm: Đặt lại'],
    tamper: ['Cửa tủ đang mở', 'Kiểm tra tủ thiết bị'],
    wrong_way: ['Xe đi ngược chiều', 'Cho xe lùi ra, rồi Đặt lại'],
    tailgate: ['Xe bám đuôi đã qua', 'Giữ xe thứ hai lại, rồi Đặt lại'],
    passage_unclear: ['Chưa thấy xe ra hết', 'Nhìn dưới barie, rồi Đặt lại'],
    open_too_long: ['Barie mở quá lâu', 'Nhìn dưới barie, rồi Đóng barie'],
    store_failed: ['Không ghi được nhật ký', 'Dùng nút của barie; gọi kỹ thuật'],
    disk_nearly_full: ['Ổ đĩa sắp đầy', 'Gọi kỹ thuật'],
    ledger_restored: ['Nhật ký đã được khôi phục', 'Người giám sát xem, rồi Đặt lại'],
    scale_silent: ['Cân không gửi số', 'Kiểm tra cân; cân nơi khác nếu cần'],
    scale_problem: ['Cân báo lỗi', 'Xem đầu cân'],
    camera_frozen: ['Camera không có hình mới', 'Kiểm tra camera; sửa biển bằng tay'],
    camera_down: ['Camera không chạy', 'Gọi kỹ thuật; sửa biển bằng tay'],
    camera_untrusted: ['Camera bị che hoặc lệch hướng', 'Nhìn xe và biển rồi mới đồng ý'],
    camera_poor: ['Camera nhìn không rõ', 'Nhìn hình; sửa biển nếu cần'],
    clock_untrusted: ['Đồng hồ không tin được', 'Gọi kỹ thuật'],
    knowledge_stale: ['Dữ liệu tờ khai đã cũ', 'Hỏi trung tâm; kiểm tra giấy tờ'],
    centre_link_lost: ['Mất kết nối trung tâm', 'Làn vẫn chạy; bản ghi đang chờ gửi'],
    call_unanswered: ['Xe gọi mà chưa có người', 'Đến làn xem xe'],
    withdrawn_underway: ['Xác nhận bị rút khi xe đang qua', 'Giữ xe, báo cơ quan, Đặt lại'],
    internal: ['Lỗi bên trong của làn', 'Gọi kỹ thuật, rồi Đặt lại'],
  },
  check: {
    plate_read: 'Biển số', declaration_found: 'Tờ khai', gate_and_direction: 'Cửa khẩu, hướng', active_in_window: 'Hiệu lực',
    entries_left: 'Số lượt', confirmations: 'Xác nhận', channel: 'Luồng', tractor_and_trailer: 'Đầu kéo, rơ moóc',
    cargo_weight: 'Khối lượng hàng', legal_gross: 'Tải trọng', calibration: 'Kiểm định cân', watchlist: 'Danh sách theo dõi', instruction: 'Chỉ dẫn riêng',
    not_claimed: 'Làn khác', knowledge_fresh: 'Dữ liệu mới', lane_serves: 'Làn phù hợp',
  },
  result: { passed: 'đạt', failed: 'không đạt', unknown: 'chưa rõ', waived: 'được miễn' },
  outcome: { pass: 'cho qua', hold: 'giữ xe', divert: 'chuyển hướng', refuse: 'từ chối' },
  role: { officer: 'cán bộ', supervisor: 'người giám sát', technician: 'kỹ thuật' },
  reason: {
    documents_checked: 'Đã kiểm tra giấy tờ', confirmed_outside: 'Cơ quan đã xác nhận ngoài hệ thống', device_fault: 'Thiết bị hỏng',
    ordered: 'Theo lệnh cấp trên', emergency: 'Cứu hộ, cứu hỏa, cấp cứu', other: 'Lý do khác (ghi chữ)',
  },
  actOutcome: {
    accepted: 'Đã nhận', repeated: 'Đã làm trước đó', passage_changed: 'Xe hoặc dữ liệu đã đổi: xem lại rồi nhấn lại',
    no_vehicle: 'Không có xe trước barie', wrong_mode: 'Chế độ làn hiện nay không cho phép', not_allowed: 'Tài khoản này không có quyền',
    only_at_lane: 'Chỉ làm được tại làn', reason_missing: 'Thiếu lý do, hoặc lý do quá dài', needs_second: 'Cần người thứ hai đồng ý',
    faulted: 'Đang có lỗi chặn: xử lý lỗi trước', no_store: 'Không ghi được nhật ký: dùng nút của chính barie',
    busy: 'Đang có chuyển động hoặc giấy phép khác', bad_value: 'Giá trị không dùng được',
    not_durable: 'Đã làm, nhưng chưa ghi được nhật ký: mất điện thì không còn',
  },
  act: {
    open: 'mở barie', agree: 'đồng ý cho qua', refuse: 'từ chối xe', divert: 'chuyển hướng xe', correct_plate: 'sửa biển',
    choose_declaration: 'chọn tờ khai', confirm: 'xác nhận', set_axles: 'nhập số trục', hold: 'giữ xe', release: 'bỏ quyết định',
    set_mode: 'đổi chế độ', reset_faults: 'đặt lại lỗi', close_boom: 'đóng barie', open_group: 'mở cho nhiều xe',
    open_emergency: 'mở khẩn cấp', second_consent: 'đồng ý thứ hai',
  },
  direction: { outbound: 'Xuất cảnh', inbound: 'Nhập cảnh' },
  trade: {
    export: 'Xuất khẩu', import: 'Nhập khẩu', transit: 'Quá cảnh', temporary: 'Tạm nhập tái xuất', transshipment: 'Chuyển khẩu',
    border_residents: 'Cư dân biên giới', empty_return: 'Xe rỗng quay về', other: 'Loại khác',
  },
  channel: { green: 'Luồng xanh', yellow: 'Luồng vàng', red: 'Luồng đỏ', undecided: 'Chưa phân luồng' },
  tareSource: { weighed_empty: 'cân xe rỗng', registered: 'đăng kiểm', declared: 'khai báo' },
  weightUnknown: {
    silent: 'cân không gửi số', indicator_problem: 'đầu cân báo lỗi', zero_not_captured: 'cân chưa về 0', overload: 'cân quá tải',
    underload: 'cân dưới 0', net_shown: 'cân đang hiện tịnh', tare_shown: 'cân đang hiện bì', gross_not_marked: 'số không ghi là toàn bộ',
    platform_empty: 'bàn cân trống', vehicles_unknown: 'không rõ mấy xe trên cân', no_vehicle: 'không có xe trên cân',
    several_vehicles: 'có hơn một xe trên cân', not_wholly_on: 'xe chưa lên hết bàn cân', wholly_on_unknown: 'không rõ xe đã lên hết chưa',
    not_zero_before: 'cân chưa về 0 trước khi xe lên', moving: 'xe còn lăn', settling: 'cân chưa ổn định',
  },
  sentence: sentenceVi,
  ui: {
    stop: 'DỪNG', stopSoft: 'chỉ ngắt lệnh, không có dừng mềm', stopPending: 'đang gửi…', stopDone: 'đã dừng',
    stopFailed: 'KHÔNG GỬI ĐƯỢC: nhấn nút dừng khẩn cấp',
    open: 'MỞ BARIE', openAgree: 'đồng ý với làn', openOverride: 'cần lý do', openTest: 'chạy thử', holdToOpen: 'nhấn giữ',
    refuse: 'Từ chối', divert: 'Chuyển hướng', hold: 'Giữ xe', release: 'Bỏ quyết định', confirm: 'Xác nhận', correctPlate: 'Sửa biển', more: 'Khác…',
    closeBoom: 'Đóng barie', resetFaults: 'Đặt lại lỗi', chooseDeclaration: 'Chọn tờ khai', noTrailer: 'không rơ moóc', validSince: (age) => `từ ${age} trước`,
    cancel: 'Thôi', ok: 'Xong', back: 'Quay lại',
    connecting: 'Đang kết nối với làn', connectingHint: 'Chưa có dữ liệu của làn. Nút Dừng vẫn dùng được.',
    stale: (age) => `MÀN HÌNH ĐỨNG: không cập nhật từ ${age}`,
    staleHint: 'Đừng tin số trên màn hình. Nhìn làn. Nút Dừng vẫn dùng được.',
    oldPicture: (age) => `Hình cũ ${age}`, noPicture: 'Không có hình',
    notRead: 'chưa đọc được', twoPlates: 'có hai biển số', noCamera: 'không có camera', byOfficer: 'cán bộ nhập', ago: (age) => `${age} trước`,
    here: (age) => `ở đây ${age}`, called: (age) => `Xe cần cán bộ, đã gọi ${age}`, emptyLane: 'Làn trống',
    emptyHint: 'Không có xe trước barie', bootHint: 'Chờ mọi thiết bị báo lần đầu; chưa gì được chuyển động',
    noDeclaration: 'Chưa có tờ khai cho xe này', candidates: (n) => (n === 1 ? 'Một tờ khai có thể khớp: xem và chọn' : `${n} tờ khai cùng khớp: chọn một`),
    until: 'hết hạn', nextPlace: 'đến', perishable: 'Tươi sống', priority: 'Ưu tiên', moreDeclarations: (n) => `và ${n} tờ khai nữa`,
    weight: 'Khối lượng', gross: 'toàn bộ', tare: 'bì', net: 'hàng', declared: 'khai', allowed: 'cho phép', noWeight: 'Chưa có số cân', onScale: 'Trên cân',
    approaching: 'Xe sau', nobodyBehind: 'không có', unreadPlate: 'chưa đọc biển',
    checks: 'Kiểm tra', checksAll: 'Tất cả', allPassed: (n) => `Đạt cả ${n} mục`, noVerdict: 'Đang nhận dạng, chưa kết luận',
    decidedBy: (login) => `Quyết định của ${login}`,
    permit: 'Giấy phép', permitLeft: (age) => `còn ${age}`, permitEntered: 'xe đang qua', noPermit: 'không có',
    faults: 'Lỗi', noFaults: 'Không có lỗi', moreFaults: (n) => `+${n} lỗi nữa`,
    linkUp: 'Trung tâm: đã nối', linkDown: 'MẤT KẾT NỐI', since: (age) => `từ ${age}`, waiting: (n) => `${n} bản ghi chờ gửi`,
    knowledge: 'Dữ liệu', knowledgeUnknown: 'không rõ tuổi',
    clockUntrusted: 'đồng hồ không tin được',
    notFitted: 'không lắp', unknown: 'không rõ', on: 'có xe', off: 'trống', blocked: 'bị chắn', free: 'thông',
    login: 'Đăng nhập', logout: 'Đăng xuất', nobody: 'Chưa ai đăng nhập', enterId: 'Tên đăng nhập', enterPin: 'Mã PIN 6 số',
    otherPerson: 'Người khác', loginAgain: 'Đăng nhập để tiếp tục', loginFailed: 'Tên hoặc mã PIN không đúng',
    noOfficers: 'Làn này chưa có tài khoản cán bộ nào',
    noOfficersHint: 'Gọi kỹ thuật: lệnh borderlane officer add tạo tài khoản. Nút Dừng vẫn dùng được, không cần đăng nhập.',
    listUnknown: 'Không lấy được danh sách: gõ tên đăng nhập', moreRows: 'Trang sau',
    locked: (time) => `Đã khóa, thử lại sau ${time}`, sessionEnded: 'Phiên đã hết: đăng nhập lại',
    whyOpen: 'Vì sao mở?', whyRefuse: 'Vì sao từ chối?', whyDivert: 'Vì sao chuyển hướng?', whyHold: 'Vì sao giữ?', whyMode: 'Vì sao đổi chế độ?',
    whyGroup: 'Vì sao mở cho nhiều xe?', whyEmergency: 'Vì sao mở khẩn cấp?',
    otherWords: 'Ghi lý do', against: (outcome) => `Làn kết luận: ${outcome}. Bạn chịu trách nhiệm.`,
    axles: 'Số trục', modes: 'Chế độ làn', groupOpen: 'Mở cho nhiều xe', groupCount: 'Mấy xe?', emergencyOpen: 'Mở khẩn cấp', language: 'Ngôn ngữ',
    theme: 'Màn hình', sun: 'Nắng', night: 'Đêm',
    secondWaiting: 'Chờ người giám sát đồng ý', secondAsks: (who, what) => `${who} xin: ${what}`, secondAgree: 'Tôi đồng ý',
    secondRanOut: 'Hết giờ chờ người thứ hai: không có gì xảy ra', needSupervisor: 'Người giám sát đăng nhập',
    factsChanged: 'Dữ liệu vừa đổi: xem lại rồi nhấn lại', sending: 'đang gửi…', waitingField: 'chờ thiết bị…',
    notConfirmed: 'Thiết bị chưa làm theo: nhìn làn', notSent: 'Không gửi được: chưa có gì xảy ra', done: 'Đã xong',
    unknownAnswer: 'Không rõ làn đã nhận chưa: nhìn làn', version: 'Phiên bản',
    bothCameras: 'Hai camera', cameras: 'Camera', lookNow: 'Bây giờ', lookAccepted: (when, by) => `Khi nghiệm thu: ${when}, ${by}`, lookAgain: 'Chụp lại',
    viewMissing: 'chưa nghiệm thu hình', viewMissingHint: 'Chưa có hình nghiệm thu: camera bị lệch sẽ không ai biết',
    viewAccept: 'Nghiệm thu hình này', viewTakeBack: 'Lấy lại hình trước', viewAccepted: 'Đã ghi hình nghiệm thu',
    viewRefused: 'Hình đã cũ: chụp lại rồi nhấn lại', viewBySocket: 'kỹ thuật',
    nothingToCheck: 'Chưa có xe để kiểm tra', barrier: 'Barie', sign: 'Biển báo',
  },
};

function sentenceVi(check: ShownCheck, say: Say): string {
  const { kind, result, facts } = check;
  const ok = result === 'passed';
  const waived = result === 'waived' ? 'Được miễn khi mất kết nối. ' : '';
  switch (kind) {
    case 'plate_read':
      if (facts.about !== 'plate') return ok ? 'Đã đọc biển số' : `${waived}Chưa đọc được biển trước`;
      if (facts.by_officer) return `${say.plate(facts.text)}, cán bộ nhập`;
      return ok
        ? `${say.plate(facts.text)}, chắc ${say.percent(facts.posterior_ppm)}`
        : `${waived}Đọc ${say.plate(facts.text)}, chỉ chắc ${say.percent(facts.posterior_ppm)}: nhìn hình, sửa biển nếu cần`;
    case 'declaration_found':
      if (facts.about === 'elsewhere') return `Khai cho cửa khẩu khác: ${facts.gate}`;
      if (facts.about !== 'declarations') return ok ? 'Có tờ khai' : `${waived}Chưa tra được tờ khai`;
      if (ok) return facts.chosen.join(', ') || 'Có tờ khai';
      if (result === 'failed') return 'Không có tờ khai nào cho biển này';
      return waived + (facts.candidates > 1 ? `${facts.candidates} tờ khai cùng khớp: chọn một` : 'Chưa tìm được tờ khai');
    case 'gate_and_direction':
      if (facts.about === 'elsewhere') return `Khai cho cửa khẩu khác: ${facts.gate}`;
      if (ok) return 'Đúng cửa khẩu, đúng hướng';
      return result === 'failed' ? 'Khai cho hướng ngược lại' : `${waived}Chưa có tờ khai để so`;
    case 'active_in_window':
      if (facts.about !== 'window') return ok ? 'Còn hiệu lực' : `${waived}Chưa có tờ khai để xem hạn`;
      if (ok) return `Hết hạn ${say.when(facts.until_ms)}`;
      if (facts.now_ms === null) return `${waived}Đồng hồ không tin được, không rõ còn hạn không (hết ${say.when(facts.until_ms)})`;
      if (facts.now_ms < facts.from_ms) return `Chưa đến hạn, từ ${say.when(facts.from_ms)}`;
      return facts.now_ms >= facts.until_ms ? `Đã hết hạn ${say.when(facts.until_ms)}` : 'Tờ khai đã bị rút';
    case 'entries_left':
      if (facts.about !== 'entries') return ok ? 'Còn lượt' : `${waived}Chưa có tờ khai để đếm lượt`;
      return ok ? `Đã dùng ${facts.used} trong ${facts.allowed} lượt` : `${waived}Hết lượt: đã dùng ${facts.used} trong ${facts.allowed}`;
    case 'confirmations':
      if (facts.about !== 'agencies') return ok ? 'Các cơ quan đã xác nhận' : `${waived}Chưa có tờ khai để xem xác nhận`;
      if (ok) return 'Các cơ quan đã xác nhận đủ';
      return waived + [
        facts.refused.length > 0 ? `${say.agencies(facts.refused)} từ chối` : '',
        facts.holding.length > 0 ? `${say.agencies(facts.holding)} yêu cầu giữ` : '',
        facts.missing.length > 0 ? `Thiếu xác nhận của ${say.agencies(facts.missing)}` : '',
      ].filter(Boolean).join('; ');
    case 'channel':
      if (facts.about !== 'channel') return ok ? 'Luồng cho qua' : `${waived}Chưa có tờ khai để xem luồng`;
      if (facts.channel === 'undecided') return `${waived}Hải quan chưa phân luồng`;
      return `${waived}${vi.channel[facts.channel]}${facts.channel === 'yellow' ? ': kiểm tra hồ sơ' : facts.channel === 'red' ? ': kiểm tra hàng' : ''}`;
    case 'tractor_and_trailer': {
      if (facts.about !== 'plates') return ok ? 'Đúng như khai' : `${waived}Chưa có tờ khai để so`;
      if (ok) return 'Đầu kéo và rơ moóc đúng như khai';
      const [front, rear] = facts.read;
      const [tractor, trailer] = facts.declared;
      return `${waived}Đọc ${say.plate(front)} / ${say.plate(rear)}, khai ${say.plate(tractor)} / ${say.plate(trailer)}`;
    }
    case 'cargo_weight': {
      if (facts.about !== 'weight') return ok ? 'Đúng như khai' : `${waived}Chưa có tờ khai để so khối lượng`;
      if (facts.why_unknown) return `${waived}Chưa cân được: ${vi.weightUnknown[facts.why_unknown]}`;
      if (facts.declared_grams === null) return `${waived}Tờ khai không ghi khối lượng`;
      if (facts.tare_grams === null || facts.gross_grams === null) return `${waived}Không biết bì của xe`;
      const net = facts.gross_grams - facts.tare_grams;
      const text = `Hàng ${say.kg(net)} kg, khai ${say.kg(facts.declared_grams)} kg`;
      if (ok || result === 'waived') return waived + text;
      const apart = net - facts.declared_grams;
      return `Lệch ${apart > 0 ? '+' : ''}${say.kg(apart)} kg. ${text}`;
    }
    case 'legal_gross':
      if (facts.about !== 'legal') return ok ? 'Trong giới hạn' : `${waived}Chưa rõ tải trọng`;
      if (facts.axles === null) return `${waived}Chưa biết số trục: đếm và nhập`;
      if (facts.limit_grams === null) return `${waived}Không có giới hạn cho ${facts.axles} trục`;
      if (facts.gross_grams === null) return `${waived}Chưa cân được (giới hạn ${say.kg(facts.limit_grams)} kg, ${facts.axles} trục)`;
      return ok
        ? `${say.kg(facts.gross_grams)} kg trong ${say.kg(facts.limit_grams)} kg, ${facts.axles} trục`
        : `${waived}Quá tải ${say.kg(facts.gross_grams - facts.limit_grams)} kg: ${say.kg(facts.gross_grams)} / ${say.kg(facts.limit_grams)} kg, ${facts.axles} trục`;
    case 'calibration':
      if (ok) return 'Cân còn hạn kiểm định';
      return result === 'failed' ? 'Cân hết hạn kiểm định' : `${waived}Không rõ hạn kiểm định của cân`;
    case 'watchlist':
      return `${waived}Có trong danh sách theo dõi`;
    case 'instruction':
      if (ok) return 'Không có chỉ dẫn riêng';
      return result === 'failed' ? 'Gọi người giám sát' : `${waived}Chưa tra được chỉ dẫn riêng`;
    case 'not_claimed':
      if (facts.about === 'claimed') return `Tờ khai này đang dùng ở làn ${facts.lane}`;
      return ok ? 'Không làn nào khác nhận' : `${waived}Mất kết nối: không rõ làn khác có nhận không`;
    case 'knowledge_fresh':
      if (facts.about !== 'age' || facts.age_s === null) return ok ? 'Dữ liệu mới' : `${waived}Không rõ dữ liệu cũ bao lâu`;
      return ok
        ? `Cập nhật ${say.age(facts.age_s * 1000)} trước`
        : `${waived}Dữ liệu cũ ${say.age(facts.age_s * 1000)}, cho phép ${say.age(facts.limit_s * 1000)}`;
    case 'lane_serves':
      if (ok) return 'Làn nhận loại này';
      return result === 'failed' ? 'Làn không nhận loại này, hoặc xe được gọi vào làn khác' : `${waived}Chưa có tờ khai để so`;
  }
}
