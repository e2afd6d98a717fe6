// 简体中文: for officers who work with the neighbouring gate.

import type { ShownCheck } from '../wire';
import type { Say, Words } from './shape';

export const zh: Words = {
  code: 'zh',
  name: '中文',
  unit: { s: '秒', min: '分钟', h: '小时', d: '天' },
  agency: {
    customs: '海关', border_guard: '边防', health: '卫生检疫', health_quarantine: '卫生检疫', plant: '植物检疫', plant_quarantine: '植物检疫',
    animal: '动物检疫', animal_quarantine: '动物检疫', gate_board: '口岸管理委员会', yard: '货场', fee: '收费处', fees: '收费处',
  },
  phase: {
    boot: '正在启动', idle: '就绪', identifying: '正在识别', held: '车辆等待', opening: '正在开杆', passing: '车辆通过', closing: '正在关杆', faulted: '故障',
  },
  mode: {
    automatic: '自动', attended: '有人值守', closed: '车道关闭', held_open: '保持开启', manual: '手动', maintenance: '维护', bring_up: '调试',
  },
  sign: {
    closed: '车道关闭', come: '请进', wait: '请等待', wait_confirmation: '等待确认', wait_officer: '等待工作人员', go: '请通行', turn_back: '请掉头',
    divert: '请驶入货场', stop: '停车',
  },
  boom: { down: '已落下', up: '已升起', rising: '正在升起', falling: '正在落下', between: '停在中间', unknown: '不明' },
  signal: {
    approach_loop: '进口线圈', platform_front: '秤台前端', platform_rear: '秤台后端', boom_loop: '栏杆线圈', photocell: '光电开关',
    exit_loop: '出口线圈', boom_up: '上限位', boom_down: '下限位', e_stop: '急停', operator_fault: '栏杆机故障', manual_key: '手动钥匙',
    tamper: '机柜门',
  },
  camera: { front: '前车牌', rear: '后车牌' },
  cameraSide: { front: '前', rear: '后' },
  cameraDevice: { front: '前摄像机', rear: '后摄像机' },
  cameraState: {
    absent: '未安装', ok: '正常', dark: '画面过暗', frozen: '画面静止', no_frames: '没有画面', down: '未运行', covered: '镜头被遮挡', moved: '方向偏移',
    glare: '强光过曝', blurred: '画面模糊', dirty: '镜头脏污或有雾', out_of_frame: '车牌不在画面内',
  },
  cameraDo: {
    absent: '没有此摄像机', ok: '无需处理', dark: '开灯；手动输入车牌', frozen: '检查摄像机；手动输入车牌', no_frames: '检查摄像机线路和电源', down: '通知技术员；手动输入车牌',
    covered: '移开遮挡物', moved: '转回摄像机；看清再放行', glare: '遮阳，避免灯光直射', blurred: '请技术员调焦', dirty: '擦拭镜头',
    out_of_frame: '停在停车线；调整摄像机',
  },
  scaleState: {
    absent: '未安装', streaming: '正常', not_open: '端口打不开', no_bytes: '没有信号', bytes_but_no_frames: '有信号，无数据帧',
    frames_not_understood: '数据帧无法识别',
  },
  severity: { notice: '提示', attend: '需值守', hold: '等待', block: '封锁' },
  fault: {
    boom_open_at_start: ['启动时栏杆未落下', '查看杆下，然后按“关闭栏杆”'],
    barrier_link_lost: ['栏杆未静止时 I/O 通信中断', '查看车道，然后复位'],
    barrier_link_hold: ['I/O 通信中断', '恢复后自动解除；检查网线'],
    travel_timeout: ['栏杆动作时间过长', '检查栏杆，然后复位'],
    uncommanded_movement: ['栏杆未经命令自行动作', '查看车道，然后复位'],
    limits_contradict: ['两个限位开关互相矛盾', '通知技术员，然后复位'],
    presence_stuck: ['车辆传感器卡滞', '检查线圈和光电开关'],
    presence_disagrees: ['车辆传感器不一致', '检查线圈和光电开关'],
    photocell_blind: ['光电开关没有看到车辆', '擦拭并对准光电开关'],
    output_mismatch: ['输出回读不一致', '通知技术员，然后复位'],
    watchdog_not_armed: ['I/O 看门狗未启用', '通知技术员'],
    operator_fault: ['栏杆控制器报故障', '查看栏杆控制器'],
    emergency_stop: ['急停按钮已按下', '危险解除后：松开按钮，然后复位'],
    stop_latched: ['已按停止', '危险解除后：复位'],
    tamper: ['机柜已打开', '检查机柜'],
    wrong_way: ['车辆逆行', '让车退出，然后复位'],
    tailgate: ['第二辆车尾随通过', '拦住第二辆车，然后复位'],
    passage_unclear: ['未看到车尾离开', '查看杆下，然后复位'],
    open_too_long: ['栏杆开启时间过长', '查看杆下，然后按“关闭栏杆”'],
    store_failed: ['日志无法写入', '使用栏杆自带按钮；通知技术员'],
    disk_nearly_full: ['磁盘将满', '通知技术员'],
    ledger_restored: ['日志是恢复的', '主管查看，然后复位'],
    scale_silent: ['地磅没有数据', '检查地磅；必要时到别处称重'],
    scale_problem: ['地磅报错', '查看称重仪表'],
    camera_frozen: ['摄像机没有新画面', '检查摄像机；手动输入车牌'],
    camera_down: ['摄像机未运行', '通知技术员；手动输入车牌'],
    camera_untrusted: ['摄像机被遮挡或移动', '看清车辆和车牌再同意'],
    camera_poor: ['摄像机看不清', '查看画面；必要时改车牌'],
    clock_untrusted: ['时钟不可信', '通知技术员'],
    knowledge_stale: ['申报数据已旧', '询问中心；查验纸质单证'],
    centre_link_lost: ['与中心断开', '车道照常工作；记录待发送'],
    call_unanswered: ['有车呼叫，无人应答', '到车道查看'],
    withdrawn_underway: ['车辆通过时确认被撤回', '在杆后拦车，通知机关，然后复位'],
    internal: ['车道内部故障', '通知技术员，然后复位'],
  },
  check: {
    plate_read: '车牌', declaration_found: '申报', gate_and_direction: '口岸、方向', active_in_window: '有效期', entries_left: '次数',
    confirmations: '确认', channel: '通道', tractor_and_trailer: '牵引车、挂车', cargo_weight: '货物重量', legal_gross: '法定总重',
    calibration: '地磅检定', watchlist: '布控名单', instruction: '专项指示', not_claimed: '其他车道', knowledge_fresh: '数据新旧',
    lane_serves: '车道适用',
  },
  result: { passed: '通过', failed: '不通过', unknown: '不明', waived: '免除' },
  outcome: { pass: '放行', hold: '等待', divert: '分流', refuse: '拒绝' },
  role: { officer: '工作人员', supervisor: '主管', technician: '技术员' },
  reason: {
    documents_checked: '已查验单证', confirmed_outside: '机关已在系统外确认', device_fault: '设备故障', ordered: '上级命令',
    emergency: '救援、消防、急救', other: '其他（写明）',
  },
  actOutcome: {
    accepted: '已接受', repeated: '此前已执行', passage_changed: '车辆或数据已变：请再看一次后重按', no_vehicle: '杆前没有车辆',
    wrong_mode: '当前车道模式不允许', not_allowed: '此账号无权限', only_at_lane: '只能在车道操作', reason_missing: '缺少理由或理由过长',
    needs_second: '需要第二人同意', faulted: '有封锁故障：请先处理故障', no_store: '日志无法写入：使用栏杆自带按钮',
    busy: '另有动作或许可正在进行', bad_value: '数值不可用',
    not_durable: '已执行，但未能写入日志：断电后将失效',
  },
  act: {
    open: '开启栏杆', agree: '同意放行', refuse: '拒绝车辆', divert: '车辆分流', correct_plate: '更正车牌', choose_declaration: '选择申报',
    confirm: '确认', set_axles: '输入轴数', hold: '扣留车辆', release: '撤销决定', set_mode: '更改模式', reset_faults: '复位故障',
    close_boom: '关闭栏杆', open_group: '多车放行', open_emergency: '紧急开启', second_consent: '第二人同意',
  },
  direction: { outbound: '出境', inbound: '入境' },
  trade: {
    export: '出口', import: '进口', transit: '过境', temporary: '暂时进出口', transshipment: '转口', border_residents: '边民互市',
    empty_return: '空车返回', other: '其他',
  },
  channel: { green: '绿色通道', yellow: '黄色通道', red: '红色通道', undecided: '尚未分流' },
  tareSource: { weighed_empty: '空车称重', registered: '登记', declared: '申报' },
  weightUnknown: {
    silent: '地磅没有数据', indicator_problem: '仪表报错', zero_not_captured: '地磅未归零', overload: '地磅超载', underload: '地磅低于零',
    net_shown: '仪表显示净重', tare_shown: '仪表显示皮重', gross_not_marked: '未标明毛重', platform_empty: '秤台是空的',
    vehicles_unknown: '不明有几辆车在秤上', no_vehicle: '秤上没有车辆', several_vehicles: '秤上不止一辆车', not_wholly_on: '车辆未完全上秤',
    wholly_on_unknown: '不明是否完全上秤', not_zero_before: '上秤前地磅未归零', moving: '车辆仍在移动', settling: '尚未稳定',
  },
  sentence: sentenceZh,
  ui: {
    stop: '停止', stopSoft: '只中断命令，没有软停止', stopPending: '正在发送…', stopDone: '已停止', stopFailed: '未发出：请按急停按钮',
    open: '开启栏杆', openAgree: '同意车道结论', openOverride: '需要理由', openTest: '测试', holdToOpen: '按住',
    refuse: '拒绝', divert: '分流', hold: '扣留', release: '撤销决定', confirm: '确认', correctPlate: '更正车牌', more: '更多…',
    closeBoom: '关闭栏杆', resetFaults: '复位故障', chooseDeclaration: '选择申报', noTrailer: '无挂车', validSince: (age) => `已 ${age}`,
    cancel: '取消', ok: '完成', back: '返回',
    connecting: '正在连接车道', connectingHint: '尚无车道数据。停止按钮可用。',
    stale: (age) => `屏幕静止：${age}没有更新`, staleHint: '不要相信屏幕上的数据。请看车道。停止按钮可用。',
    oldPicture: (age) => `${age}前的图像`, noPicture: '没有图像', notRead: '未读出', twoPlates: '画面有两块车牌', noCamera: '没有摄像机', byOfficer: '人工输入',
    ago: (age) => `${age}前`, here: (age) => `已停 ${age}`, called: (age) => `车辆需要工作人员，已呼叫 ${age}`,
    emptyLane: '车道空', emptyHint: '杆前没有车辆', bootHint: '等待每个设备首次报告；期间不动作',
    noDeclaration: '此车尚无申报', candidates: (n) => (n === 1 ? '有一份申报可能相符：请查看并选择' : `有 ${n} 份申报相符：请选择`), until: '到期', nextPlace: '前往', perishable: '鲜活',
    priority: '优先', moreDeclarations: (n) => `另有 ${n} 份申报`,
    weight: '重量', gross: '毛重', tare: '皮重', net: '货重', declared: '申报', allowed: '允许', noWeight: '尚无重量', onScale: '秤上',
    approaching: '后车', nobodyBehind: '没有', unreadPlate: '车牌未读出',
    checks: '检查', checksAll: '全部', allPassed: (n) => `${n} 项全部通过`, noVerdict: '正在识别，尚无结论', decidedBy: (login) => `由 ${login} 决定`,
    permit: '许可', permitLeft: (age) => `还剩 ${age}`, permitEntered: '车辆正在通过', noPermit: '没有',
    faults: '故障', noFaults: '没有故障', moreFaults: (n) => `另有 ${n} 项`,
    linkUp: '中心：已连接', linkDown: '断开', since: (age) => `已 ${age}`, waiting: (n) => `${n} 条记录待发送`,
    knowledge: '数据', knowledgeUnknown: '新旧不明', clockUntrusted: '时钟不可信',
    notFitted: '未安装', unknown: '不明', on: '有车', off: '空', blocked: '被挡', free: '畅通',
    login: '登录', logout: '退出', nobody: '无人登录', enterId: '登录名', enterPin: '六位 PIN 码', otherPerson: '其他人', loginAgain: '请登录后继续',
    noOfficers: '本车道还没有账号', noOfficersHint: '通知技术员：用 borderlane officer add 建立账号。停止按钮无需登录即可用。',
    listUnknown: '无法取得名单：请输入登录名', moreRows: '下一页',
    loginFailed: '登录名或 PIN 码不正确', locked: (time) => `已锁定，${time} 后重试`, sessionEnded: '登录已结束：请重新登录',
    whyOpen: '为什么开启？', whyRefuse: '为什么拒绝？', whyDivert: '为什么分流？', whyHold: '为什么扣留？', whyMode: '为什么更改模式？',
    whyGroup: '为什么多车放行？', whyEmergency: '为什么紧急开启？',
    otherWords: '写明理由', against: (outcome) => `车道结论：${outcome}。由您负责。`, axles: '轴数', modes: '车道模式', groupOpen: '多车放行',
    groupCount: '几辆？', emergencyOpen: '紧急开启', language: '语言', theme: '屏幕', sun: '日光', night: '夜间',
    secondWaiting: '等待主管同意', secondAsks: (who, what) => `${who} 请求：${what}`, secondAgree: '我同意',
    secondRanOut: '第二人未及时同意：没有动作', needSupervisor: '请主管登录',
    factsChanged: '数据刚变：请再看一次后重按', sending: '正在发送…', waitingField: '等待设备…', notConfirmed: '设备未执行：请看车道',
    notSent: '未能发送：没有动作', done: '已完成', unknownAnswer: '不明车道是否收到：请看车道', version: '版本',
    bothCameras: '两个摄像机', cameras: '摄像机', lookNow: '现在', lookAccepted: (when, by) => `验收时：${when}，${by}`, lookAgain: '重新拍照',
    viewMissing: '未验收画面', viewMissingHint: '没有验收画面：摄像机被移动时无法发现',
    viewAccept: '验收此画面', viewTakeBack: '恢复上一画面', viewAccepted: '画面已验收', viewRefused: '画面已过期：重新拍照后再按', viewBySocket: '技术员',
    nothingToCheck: '没有车辆可检查', barrier: '栏杆', sign: '指示牌',
  },
};

function sentenceZh(check: ShownCheck, say: Say): string {
  const { kind, result, facts } = check;
  const ok = result === 'passed';
  const waived = result === 'waived' ? '断网期间免除。' : '';
  switch (kind) {
    case 'plate_read':
      if (facts.about !== 'plate') return ok ? '车牌已读出' : `${waived}前车牌未读出`;
      if (facts.by_officer) return `${say.plate(facts.text)}，人工输入`;
      return ok
        ? `${say.plate(facts.text)}，把握 ${say.percent(facts.posterior_ppm)}`
        : `${waived}读得 ${say.plate(facts.text)}，把握仅 ${say.percent(facts.posterior_ppm)}：请看图，必要时更正`;
    case 'declaration_found':
      if (facts.about === 'elsewhere') return `申报的是另一口岸：${facts.gate}`;
      if (facts.about !== 'declarations') return ok ? '有申报' : `${waived}尚未查询申报`;
      if (ok) return facts.chosen.join('、') || '有申报';
      if (result === 'failed') return '此车牌没有申报';
      return waived + (facts.candidates > 1 ? `有 ${facts.candidates} 份申报相符：请选择` : '尚未找到申报');
    case 'gate_and_direction':
      if (facts.about === 'elsewhere') return `申报的是另一口岸：${facts.gate}`;
      if (ok) return '口岸与方向相符';
      return result === 'failed' ? '申报的是相反方向' : `${waived}没有申报可比对`;
    case 'active_in_window':
      if (facts.about !== 'window') return ok ? '有效' : `${waived}没有申报可查有效期`;
      if (ok) return `有效至 ${say.when(facts.until_ms)}`;
      if (facts.now_ms === null) return `${waived}时钟不可信，有效期不明（至 ${say.when(facts.until_ms)}）`;
      if (facts.now_ms < facts.from_ms) return `尚未生效，自 ${say.when(facts.from_ms)} 起`;
      return facts.now_ms >= facts.until_ms ? `已于 ${say.when(facts.until_ms)} 到期` : '申报已撤回';
    case 'entries_left':
      if (facts.about !== 'entries') return ok ? '尚有次数' : `${waived}没有申报可计次数`;
      return ok ? `已用 ${facts.used} / ${facts.allowed} 次` : `${waived}次数已用完：${facts.used} / ${facts.allowed}`;
    case 'confirmations':
      if (facts.about !== 'agencies') return ok ? '各机关已确认' : `${waived}没有申报可查确认`;
      if (ok) return '各机关均已确认';
      return waived + [
        facts.refused.length > 0 ? `${say.agencies(facts.refused)} 拒绝` : '',
        facts.holding.length > 0 ? `${say.agencies(facts.holding)} 要求扣留` : '',
        facts.missing.length > 0 ? `缺少 ${say.agencies(facts.missing)} 的确认` : '',
      ].filter(Boolean).join('；');
    case 'channel':
      if (facts.about !== 'channel') return ok ? '通道允许通过' : `${waived}没有申报可查通道`;
      if (facts.channel === 'undecided') return `${waived}海关尚未分流`;
      return `${waived}${zh.channel[facts.channel]}${facts.channel === 'yellow' ? '：查验单证' : facts.channel === 'red' ? '：查验货物' : ''}`;
    case 'tractor_and_trailer': {
      if (facts.about !== 'plates') return ok ? '与申报相符' : `${waived}没有申报可比对`;
      if (ok) return '牵引车和挂车与申报相符';
      const [front, rear] = facts.read;
      const [tractor, trailer] = facts.declared;
      return `${waived}读得 ${say.plate(front)} / ${say.plate(rear)}，申报 ${say.plate(tractor)} / ${say.plate(trailer)}`;
    }
    case 'cargo_weight': {
      if (facts.about !== 'weight') return ok ? '与申报相符' : `${waived}没有申报可比对重量`;
      if (facts.why_unknown) return `${waived}未称重：${zh.weightUnknown[facts.why_unknown]}`;
      if (facts.declared_grams === null) return `${waived}申报未写重量`;
      if (facts.tare_grams === null || facts.gross_grams === null) return `${waived}不知车辆皮重`;
      const net = facts.gross_grams - facts.tare_grams;
      const text = `货重 ${say.kg(net)} kg，申报 ${say.kg(facts.declared_grams)} kg`;
      if (ok || result === 'waived') return waived + text;
      const apart = net - facts.declared_grams;
      return `相差 ${apart > 0 ? '+' : ''}${say.kg(apart)} kg。${text}`;
    }
    case 'legal_gross':
      if (facts.about !== 'legal') return ok ? '在限值内' : `${waived}总重不明`;
      if (facts.axles === null) return `${waived}轴数不明：请数轴并输入`;
      if (facts.limit_grams === null) return `${waived}${facts.axles} 轴没有限值`;
      if (facts.gross_grams === null) return `${waived}未称重（限值 ${say.kg(facts.limit_grams)} kg，${facts.axles} 轴）`;
      return ok
        ? `${say.kg(facts.gross_grams)} / ${say.kg(facts.limit_grams)} kg，${facts.axles} 轴`
        : `${waived}超载 ${say.kg(facts.gross_grams - facts.limit_grams)} kg：${say.kg(facts.gross_grams)} / ${say.kg(facts.limit_grams)} kg，${facts.axles} 轴`;
    case 'calibration':
      if (ok) return '地磅在检定有效期内';
      return result === 'failed' ? '地磅检定已过期' : `${waived}地磅检定期不明`;
    case 'watchlist':
      return `${waived}在布控名单中`;
    case 'instruction':
      if (ok) return '没有专项指示';
      return result === 'failed' ? '请叫主管' : `${waived}专项指示未能查询`;
    case 'not_claimed':
      if (facts.about === 'claimed') return `此申报正在 ${facts.lane} 车道使用`;
      return ok ? '没有其他车道占用' : `${waived}断网：不明其他车道是否占用`;
    case 'knowledge_fresh':
      if (facts.about !== 'age' || facts.age_s === null) return ok ? '数据是新的' : `${waived}数据新旧不明`;
      return ok
        ? `${say.age(facts.age_s * 1000)}前更新`
        : `${waived}数据已有 ${say.age(facts.age_s * 1000)}，允许 ${say.age(facts.limit_s * 1000)}`;
    case 'lane_serves':
      if (ok) return '车道接受此类车辆';
      return result === 'failed' ? '车道不接受此类车辆，或车辆被指定到别的车道' : `${waived}没有申报可比对`;
  }
}
